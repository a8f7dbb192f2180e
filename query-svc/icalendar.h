/* icalendar: reservations as an iCalendar object (RFC 5545), by libical. Thread-safe.
 *
 * Each reservation is a VEVENT whose UID is its id and whose SEQUENCE rises with its version; a cancelled one
 * stays, with STATUS:CANCELLED, so that programs that know it strike it out. */
#pragma once

#include "buf.h"

#include <libpq-fe.h>
#include <stdbool.h>

/* Rows of RENDER_RESERVATION_COLUMNS from column `col` on; a first row that is null is no reservation.
 * `details`: with titles and users, else only that the room is taken. RR_NO_MEMORY is out->failed. */
void icalendar_write(struct rr_buf *out, const char *name, const PGresult *res, int col, bool details);
