#include "changes.h"
#include "buf.h"
#include "json.h"
#include "log.h"

#include <string.h>

static void from_to_text(struct rr_json *j, const char *name, struct text from, struct text to)
{
    if (text_same(from, to))
        return;
    rr_json_object(j, name);
    rr_json_textn(j, "to", to.s, to.n);
    rr_json_textn(j, "from", from.s, from.n);
    rr_json_end_object(j);
}

static void from_to_time(struct rr_json *j, const char *name, int64_t from, int64_t to)
{
    if (from == to)
        return;
    rr_json_object(j, name);
    rr_json_time(j, "to", to);
    rr_json_time(j, "from", from);
    rr_json_end_object(j);
}

static void from_to_int(struct rr_json *j, const char *name, int64_t from, int64_t to)
{
    if (from == to)
        return;
    rr_json_object(j, name);
    rr_json_int(j, "to", to);
    rr_json_int(j, "from", from);
    rr_json_end_object(j);
}

static struct text state_text(const struct reservation *r)
{
    const char *s = reservation_state_names[r->state];

    return (struct text){.s = s, .n = strlen(s)};
}

struct text changes_json(struct arena *arena, const struct reservation *old, const struct event *e)
{
    static const struct text none = {.s = "{}", .n = 2};
    const struct reservation *new = &e->after;
    struct rr_buf buf = {.data = NULL};
    struct rr_json j;
    struct text ret;

    if (!old || e->kind == KIND_DELETED)
        return none;
    rr_json_init(&j, &buf);
    j.blanks = true;
    rr_json_object(&j, NULL);
    from_to_text(&j, "state", state_text(old), state_text(new));
    from_to_text(&j, "title", old->title, new->title);
    from_to_time(&j, "ends_at", old->ends_at, new->ends_at);
    from_to_int(&j, "room_id", old->room_id, new->room_id);
    from_to_text(&j, "user_id", old->user_id, new->user_id);
    from_to_time(&j, "starts_at", old->starts_at, new->starts_at);
    rr_json_end_object(&j);
    if (buf.failed) {
        rr_error("out of memory", "bytes=%zu", buf.len);
        abort();
    }
    ret = (struct text){.s = arena_copy(arena, buf.data, buf.len), .n = buf.len};
    rr_buf_fini(&buf);
    return ret;
}
