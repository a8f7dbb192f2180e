/* What every statement of the read model begins with, and how its columns are read.
 *
 * The generation is in the search_path of the connection, so statements name tables plainly. Which generation
 * serves, and as of when, is read by the same statement as the data and so in the same snapshot: an answer
 * can neither mix two generations nor claim to be fresher than it is. current_schema() tells where the
 * statement really ran, whatever SET was sent around it. */
#pragma once

/* `parked`: how many events are not applied and wait for an operator. No row: nothing serves. Until the first
 * pulse as_of is null, and then nothing could be said about freshness. */
#define SQL_META                                                                                             \
    "WITH meta AS MATERIALIZED ("                                                                            \
    "SELECT coalesce(current_schema() = 'g' || g.generation, false) AS here, g.generation, p.as_of, "        \
    "p.parked "                                                                                              \
    "FROM projection.generation g JOIN projection.position p USING (generation) "                            \
    "WHERE g.state = 'serving' AND p.as_of IS NOT NULL) "

/* Then `SELECT m.*, i.* FROM meta m LEFT JOIN (…) i ON true`: an empty list still is one row that tells the
 * freshness. */
enum { COL_HERE, COL_GENERATION, COL_AS_OF, COL_PARKED, COL_DATA };
