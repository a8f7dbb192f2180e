#include "path.h"

#include <errno.h>
#include <stdlib.h>

bool path_room_id(const char *text, uint64_t *ret)
{
    char *end;
    unsigned long long id;

    if (text[0] < '1' || text[0] > '9')
        return false;
    errno = 0;
    id = strtoull(text, &end, 10);
    if (*end || errno || id > INT64_MAX)
        return false;
    *ret = id;
    return true;
}
