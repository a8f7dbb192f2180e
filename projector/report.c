#include "report.h"
#include "buckets.h"
#include "time.h"

#include <stdio.h>
#include <string.h>

static const char *const places[] = {
#define X(name, text) text,
    DIFFERENCE_PLACES(X)
#undef X
};

static const char *const kinds[] = {
#define X(name, text) text,
    DIFFERENCE_KINDS(X)
#undef X
};

void report_init(struct report *r)
{
    *r = (struct report){.n = 0};
}

void report_fini(struct report *r)
{
    arena_fini(&r->arena);
}

static bool has_id(const struct difference *d)
{
    return d->place == PLACE_TRUTH || d->place == PLACE_RESERVATION || d->place == PLACE_HISTORY;
}

/* All of one reservation come one after the other. */
static bool is_of_last(const struct report *r, const struct difference *d)
{
    return has_id(d) && has_id(r->last) && memcmp(d->id.b, r->last->id.b, sizeof(d->id.b)) == 0;
}

static struct difference *keep(struct report *r, const struct difference *d, const char *detail)
{
    struct difference *copy = arena_alloc(&r->arena, sizeof(*copy));

    *copy = *d;
    copy->next = NULL;
    copy->detail.n = strlen(detail);
    copy->detail.s = arena_copy(&r->arena, detail, copy->detail.n);
    return copy;
}

static void list(struct report *r, struct difference *d)
{
    if (r->last)
        r->last->next = d;
    else
        r->first = d;
    r->last = d;
    r->n_listed++;
}

void report_add(struct report *r, const struct difference *d, const char *detail)
{
    bool is_first_rewound = !r->rewound && difference_is_rewound(d);

    r->n++;
    r->n_alarms += d->place == PLACE_TRUTH;
    r->full |= r->n_listed >= REPORT_LISTED && !is_of_last(r, d);
    if (r->full && !is_first_rewound)
        return;
    struct difference *kept = keep(r, d, detail ? detail : "");
    if (is_first_rewound)
        r->rewound = kept;
    if (!r->full)
        list(r, kept);
}

bool difference_is_rewound(const struct difference *d)
{
    return d->lowers || d->contradicts;
}

static const char *day_text(int64_t day, char out[RR_TIME_TEXT])
{
    rr_time_format(day * RR_US_PER_DAY, out);
    out[strcspn(out, "T")] = '\0';
    return out;
}

const char *difference_text(const struct difference *d, struct rr_buf *buf)
{
    char id[RR_UUID_TEXT], day[RR_TIME_TEXT];

    rr_buf_reset(buf);
    rr_buf_puts(buf, places[d->place]);
    switch (d->place) {
    case PLACE_TRUTH:
    case PLACE_RESERVATION: rr_buf_printf(buf, " %s", rr_uuid_format(&d->id, id)); break;
    case PLACE_HISTORY:
        rr_buf_printf(buf, " %s version %lld", rr_uuid_format(&d->id, id), (long long)d->version);
        break;
    case PLACE_ROOM: rr_buf_printf(buf, " %lld", (long long)d->room_id); break;
    case PLACE_ROOM_MONTH:
    case PLACE_ROOM_DAY: rr_buf_printf(buf, " %lld", (long long)d->room_id); /* fall through */
    case PLACE_TOTAL_DAY: rr_buf_printf(buf, " %s", day_text(d->day, day)); break;
    }
    if (d->kind == DIFFERENCE_DIFFERS)
        rr_buf_puts(buf, " differs");
    else
        rr_buf_printf(buf, " is %s", kinds[d->kind]);
    if (d->detail.n)
        rr_buf_printf(buf, ": %s", d->detail.s);
    return buf->failed ? "out of memory" : buf->data;
}

void difference_json(const struct difference *d, struct rr_json *j)
{
    char day[RR_TIME_TEXT];

    rr_json_object(j, NULL);
    rr_json_text(j, "place", places[d->place]);
    rr_json_text(j, "kind", kinds[d->kind]);
    if (d->place == PLACE_TRUTH || d->place == PLACE_RESERVATION || d->place == PLACE_HISTORY)
        rr_json_uuid(j, "reservation_id", &d->id);
    if (d->place == PLACE_HISTORY)
        rr_json_int(j, "version", d->version);
    if (d->place == PLACE_ROOM || d->place == PLACE_ROOM_DAY || d->place == PLACE_ROOM_MONTH)
        rr_json_int(j, "room_id", d->room_id);
    if (d->place == PLACE_ROOM_DAY || d->place == PLACE_TOTAL_DAY || d->place == PLACE_ROOM_MONTH)
        rr_json_text(j, "day", day_text(d->day, day));
    rr_json_textn(j, "detail", d->detail.s, d->detail.n);
    rr_json_end_object(j);
}
