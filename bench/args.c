#include "args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
    exit(1);
}

unsigned long number(const char *text, unsigned long most)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (*end || n > most)
        fail("a number is not what was expected");
    return n;
}
