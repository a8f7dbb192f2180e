#include "intake.h"
#include "decode.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void intake_fini(struct intake *in)
{
    parked_fini(&in->parked);
    skipped_fini(&in->skipped);
    free(in->verdicts);
}

void intake_verdict(struct intake *in, int64_t offset, enum letter_kind kind, const char *reason)
{
    struct verdict *v;

    if (in->n_verdicts == in->cap_verdicts) {
        in->cap_verdicts = in->cap_verdicts ? 2 * in->cap_verdicts : 16;
        in->verdicts = realloc(in->verdicts, in->cap_verdicts * sizeof(*in->verdicts));
        if (!in->verdicts) {
            rr_error("out of memory", "verdicts=%zu", in->cap_verdicts);
            abort();
        }
    }
    v = &in->verdicts[in->n_verdicts++];
    v->offset = offset;
    v->kind = kind;
    snprintf(v->reason, sizeof(v->reason), "%s", reason);
}

void intake_forget(struct intake *in, int64_t next_offset)
{
    size_t kept = 0;

    for (size_t i = 0; i < in->n_verdicts; i++)
        if (in->verdicts[i].offset >= next_offset)
            in->verdicts[kept++] = in->verdicts[i];
    in->n_verdicts = kept;
}

static const struct verdict *verdict_on(const struct intake *in, int64_t offset)
{
    for (size_t i = 0; i < in->n_verdicts; i++)
        if (in->verdicts[i].offset == offset)
            return &in->verdicts[i];
    return NULL;
}

bool intake_has_verdict(const struct intake *in, int64_t offset)
{
    return verdict_on(in, offset) != NULL;
}

static struct text bytes(struct arena *arena, const char *p, size_t n)
{
    return p ? (struct text){.s = arena_copy(arena, p, n), .n = n} : (struct text){.s = NULL};
}

static void park(struct intake *in, const struct rr_kafka_message *m, struct batch *b,
                 const struct subject *subject, enum letter_kind kind, const char *reason,
                 int64_t committed_at)
{
    const struct letter l = {.kind = kind,
                             .subject = *subject,
                             .offset = m->offset,
                             .key = bytes(&b->arena, m->key, m->key_len),
                             .value = bytes(&b->arena, m->value, m->value_len),
                             .reason = bytes(&b->arena, reason, strlen(reason))};

    parked_put(&in->parked, subject);
    in->parked.n_gaps += kind == LETTER_GAP;
    batch_park(b, &l, committed_at);
}

static bool is_of_somebody(const struct change *c)
{
    return c->what == CHANGE_EVENT || c->what == CHANGE_ROOM;
}

/* Given up by an operator, before the topic was read once more. */
static bool ignore_skipped(const struct intake *in, const struct rr_kafka_message *m, struct batch *b,
                           const char **ret_ignored)
{
    if (!skipped_has(&in->skipped, m))
        return false;
    *ret_ignored = "skipped";
    batch_add(b, &(struct change){.what = CHANGE_IGNORED}, m->offset);
    return true;
}

static void take_readable(struct intake *in, const struct rr_kafka_message *m, struct batch *b,
                          const struct change *c, const char **ret_ignored)
{
    const struct verdict *v = in->n_verdicts ? verdict_on(in, m->offset) : NULL;
    struct subject subject;

    if (!is_of_somebody(c)) {
        batch_add(b, c, m->offset);
        return;
    }
    subject = subject_of(c);
    if (parked_has(&in->parked, &subject))
        park(in, m, b, &subject, LETTER_BEHIND, "waits behind an earlier one", c->committed_at);
    else if (v && !ignore_skipped(in, m, b, ret_ignored))
        park(in, m, b, &subject, v->kind, v->reason, c->committed_at);
    else if (!v)
        batch_add(b, c, m->offset);
}

void intake(struct intake *in, const struct rr_kafka_message *m, struct batch *b, const char **ret_ignored,
            bool *ret_alarm)
{
    struct change c;
    struct failure why;
    struct subject subject;

    *ret_ignored = NULL;
    *ret_alarm = false;
    if (decode(m->value, m->value_len, &b->arena, &c, &why) == 0) {
        if (c.what == CHANGE_IGNORED) {
            *ret_ignored = c.ignored.reason;
            *ret_alarm = c.ignored.alarm;
        }
        take_readable(in, m, b, &c, ret_ignored);
        return;
    }
    subject = subject_read(m, &b->arena);
    if (subject.what == SUBJECT_PULSE) { /* nothing is lost with it, but its time */
        *ret_ignored = "pulse_broken";
        *ret_alarm = true;
        batch_add(b, &(struct change){.what = CHANGE_IGNORED}, m->offset);
        return;
    }
    if (ignore_skipped(in, m, b, ret_ignored))
        return;
    park(in, m, b, &subject, parked_has(&in->parked, &subject) ? LETTER_BEHIND : LETTER_MESSAGE, why.text, 0);
}
