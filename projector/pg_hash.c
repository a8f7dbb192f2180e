#include "pg_hash.h"

#define START                                                                                                \
    (0x9e3779b9u + 4 + 3923095) /* lookup3's golden ratio, the length in bytes, PostgreSQL's own             \
                                 */

static uint32_t turned(uint32_t v, int bits)
{
    return v << bits | v >> (32 - bits);
}

static uint64_t hash_number(int32_t number)
{
    uint32_t a = START, b = a, c = a;

    a += (uint32_t)number;
    c = (c ^ b) - turned(b, 14);
    a = (a ^ c) - turned(c, 11);
    b = (b ^ a) - turned(a, 25);
    c = (c ^ b) - turned(b, 16);
    a = (a ^ c) - turned(c, 4);
    b = (b ^ a) - turned(a, 14);
    c = (c ^ b) - turned(b, 24);
    return (uint64_t)b << 32 | c;
}

uint64_t pg_hash_array(const int32_t *numbers, size_t n)
{
    int32_t last = 0; /* neighbours are often the same */
    uint64_t hash = 1, hash_of_last = hash_number(last);

    for (size_t i = 0; i < n; i++) {
        if (numbers[i] != last) {
            last = numbers[i];
            hash_of_last = hash_number(last);
        }
        hash = hash * 31 + hash_of_last;
    }
    return hash;
}
