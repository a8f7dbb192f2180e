/* days: what a generation counts by day, of each room and of all rooms together, against what its own
 * reservations occupy; and by month, against its days.
 *
 * A day is first compared by checksums of its quarter-hours, which cost the server less than a fifth of
 * sending them; the numbers are read only where those differ. Days are read ahead by threads of their own
 * while others are computed; they share the generation's snapshot by turns. */
#pragma once

#include "held.h"
#include "report.h"
#include "usage.h"

struct days_totals {
    size_t days; /* of rooms */
    size_t read; /* of rooms and of all rooms: whose numbers had to be looked at */
};

/* `usage` is read to its end. */
int days_compare(struct held *held, struct usage *usage, struct report *report, struct days_totals *totals,
                 struct failure *f) RR_MUST_CHECK;
