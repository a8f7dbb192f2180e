/* pg_hash: the checksum that PostgreSQL's hash_array_extended(numbers, 0) makes of smallint[] and integer[],
 * computed here.
 *
 * The rule (hash_array_extended() in PostgreSQL's src/backend/utils/adt/arrayfuncs.c): begin with 1; for each
 * number times 31 plus the number's own hash, in 64 bits. That hash (hash_bytes_uint32_extended() in
 * src/common/hashfn.c) is Bob Jenkins' lookup3, its final mixing of one 32-bit word: the number with its sign
 * extended. PostgreSQL does not promise to stay by it, so a checksum that differs says nothing yet: the
 * numbers do. Dimensions and lower bounds are not in the checksum. */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t pg_hash_array(const int32_t *numbers, size_t n);
