#include "change.h"
#include "macros.h"

#include <string.h>

const char *const reservation_state_names[] = {"confirmed", "cancelled", NULL};
const char *const event_kind_names[] = {"created", "changed", "cancelled", "deleted", NULL};
_Static_assert(RR_LEN(event_kind_names) == EVENT_KINDS + 1, "each kind of event has its name");

bool text_same(struct text a, struct text b)
{
    return a.s && b.s ? a.n == b.n && memcmp(a.s, b.s, a.n) == 0 : !a.s && !b.s;
}
