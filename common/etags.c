#include "etags.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *skip_blanks(const char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    return s;
}

/* One entity tag; returns what follows it, or NULL. */
static const char *parse_tag(const char *s, struct rr_etags *ret)
{
    bool weak = s[0] == 'W' && s[1] == '/';
    const char *end;

    if (weak)
        s += 2;
    if (*s != '"' || ret->n == RR_LEN(ret->items))
        return NULL;
    end = s + 1;
    while (*end != '"') {
        if ((unsigned char)*end < 0x21 || *end == 0x7f)
            return NULL;
        end++;
    }
    end++;
    ret->items[ret->n].tag = s;
    ret->items[ret->n].len = (size_t)(end - s);
    ret->items[ret->n].weak = weak;
    ret->n++;
    return end;
}

bool rr_etags_parse(const char *header, struct rr_etags *ret)
{
    struct rr_etags tags = {0};
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

static bool match(const struct rr_etags *tags, const char *etag, bool weak_too)
{
    size_t len = strlen(etag);

    for (size_t i = 0; i < tags->n; i++)
        if (tags->items[i].len == len && memcmp(tags->items[i].tag, etag, len) == 0 &&
            (weak_too || !tags->items[i].weak))
            return true;
    return tags->any;
}

bool rr_etags_match_strongly(const struct rr_etags *tags, const char *etag)
{
    return match(tags, etag, false);
}

bool rr_etags_match_weakly(const struct rr_etags *tags, const char *etag)
{
    return match(tags, etag, true);
}

char *rr_etag_format(uint32_t version, char out[RR_ETAG_TEXT])
{
    snprintf(out, RR_ETAG_TEXT, "\"%" PRIu32 "\"", version);
    return out;
}
