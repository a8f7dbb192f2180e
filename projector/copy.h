/* copy: rows into a table of a generation by COPY in binary: many rows cost less than by any INSERT.
 *
 * Either into an empty table that nobody reads yet, on a connection and in a transaction of its own, so that
 * several tables can be filled side by side; rows are then frozen: nobody has to look at them again to know
 * that they are committed. Or in the transaction that is open on a store, in whose schema the table is.
 * It blocks while the server does not keep up. After a failure only copy_free() is left. */
#pragma once

#include "change.h"
#include "failure.h"
#include "pgarray.h"
#include "store.h"

struct copy;

/* `columns` as COPY takes them: "id, name". */
int copy_begin(const struct store_conf *conf, int32_t generation, const char *table, const char *columns,
               struct copy **ret, struct failure *f) RR_MUST_CHECK;
/* On `store`, which is the copy's until copy_end(). */
int copy_into(struct store *store, const char *table, const char *columns, struct copy **ret,
              struct failure *f) RR_MUST_CHECK;
/* Begins a row; its fields go there, in the order of the columns: a field of COPY and an element of an array
 * have the same form. */
struct pgarray *copy_row(struct copy *c, int n_fields);
/* An array as a field; ends it. */
void copy_array(struct copy *c, struct pgarray *a);
/* Sends what has gathered, if it is enough. */
int copy_flush(struct copy *c, struct failure *f) RR_MUST_CHECK;
/* Commits what has a transaction of its own. */
int copy_end(struct copy *c, struct failure *f) RR_MUST_CHECK;
void copy_free(struct copy *c);

/* Whole rows, with these columns. */
extern const char copy_event_columns[], copy_reservation_columns[];
int copy_event(struct copy *c, const struct event *e, struct text changes, struct failure *f) RR_MUST_CHECK;
int copy_reservation(struct copy *c, const struct reservation *r, struct text room_name,
                     struct text room_location, struct failure *f) RR_MUST_CHECK;
