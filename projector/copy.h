/* copy: rows into an empty table of a generation that nobody reads yet, by COPY in binary.
 *
 * It has a connection and a transaction of its own, so that several tables can be filled side by side. Rows
 * are frozen: nobody has to look at them again to know that they are committed. It blocks while the server
 * does not keep up. After a failure only copy_free() is left: the table is empty again. */
#pragma once

#include "failure.h"
#include "pgarray.h"
#include "store.h"

struct copy;

/* `columns` as COPY takes them: "id, name". */
int copy_begin(const struct store_conf *conf, int32_t generation, const char *table, const char *columns,
               struct copy **ret, struct failure *f) RR_MUST_CHECK;
/* Begins a row; its fields go there, in the order of the columns: a field of COPY and an element of an array
 * have the same form. */
struct pgarray *copy_row(struct copy *c, int n_fields);
/* An array as a field; ends it. */
void copy_array(struct copy *c, struct pgarray *a);
/* Sends what has gathered, if it is enough. */
int copy_flush(struct copy *c, struct failure *f) RR_MUST_CHECK;
/* Commits. */
int copy_end(struct copy *c, struct failure *f) RR_MUST_CHECK;
void copy_free(struct copy *c);
