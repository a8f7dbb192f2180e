#include "change.h"

const char *const reservation_state_names[] = {"confirmed", "cancelled", NULL};
const char *const event_kind_names[] = {"created", "changed", "cancelled", "deleted", NULL};
