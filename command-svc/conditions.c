#include "conditions.h"

#include <inttypes.h>
#include <stdio.h>

/* The version whose ETag has this text between its quotes; 0 if there is none. */
static uint32_t version_of(const char *s, size_t len)
{
    uint64_t v = 0;

    if (len == 0 || len > 10 || s[0] == '0')
        return 0;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return 0;
        v = v * 10 + (uint64_t)(s[i] - '0');
    }
    return v <= UINT32_MAX ? (uint32_t)v : 0;
}

static const char *skip_blanks(const char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    return s;
}

/* One entity tag; returns what follows it, or NULL. */
static const char *parse_tag(const char *s, struct etags *ret)
{
    bool weak = s[0] == 'W' && s[1] == '/';
    const char *start, *end;

    if (weak)
        s += 2;
    if (*s != '"' || ret->n == RR_LEN(ret->items))
        return NULL;
    start = end = s + 1;
    while (*end != '"') {
        if ((unsigned char)*end < 0x21 || *end == 0x7f)
            return NULL;
        end++;
    }
    ret->items[ret->n].version = version_of(start, (size_t)(end - start));
    ret->items[ret->n].weak = weak;
    ret->n++;
    return end + 1;
}

bool etags_parse(const char *header, struct etags *ret)
{
    struct etags tags = {0};
    const char *s = skip_blanks(header);

    if (*s == '*' && !*skip_blanks(s + 1)) {
        ret->any = true;
        ret->n = 0;
        return true;
    }
    while (*s) {
        if (*s != ',') {
            s = parse_tag(s, &tags);
            if (!s)
                return false;
            s = skip_blanks(s);
            if (*s && *s != ',')
                return false;
        }
        if (*s == ',')
            s = skip_blanks(s + 1);
    }
    *ret = tags;
    return tags.n > 0;
}

static bool match(const struct etags *tags, uint32_t version, bool weak_too)
{
    for (size_t i = 0; i < tags->n; i++)
        if (tags->items[i].version == version && (weak_too || !tags->items[i].weak))
            return true;
    return tags->any;
}

bool etags_match_strongly(const struct etags *tags, uint32_t version)
{
    return match(tags, version, false);
}

bool etags_match_weakly(const struct etags *tags, uint32_t version)
{
    return match(tags, version, true);
}

char *etag_format(uint32_t version, char out[ETAG_TEXT])
{
    snprintf(out, ETAG_TEXT, "\"%" PRIu32 "\"", version);
    return out;
}
