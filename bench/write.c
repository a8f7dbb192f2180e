/* bench-write: how many bookings a second can be made, through command-svc or straight in MySQL.
 *
 * usage: bench-write http PORT CLIENTS WARM_UP_S SECONDS KEYED FIRST_ROOM ROOMS FIRST_BOOKING
 *        bench-write sql PORT CLIENTS WARM_UP_S SECONDS KEYED FIRST_ROOM ROOMS FIRST_BOOKING CONNECTIONS USER
 * DATABASE (the password is in MYSQL_PWD)
 *
 * Closed loop: each client sends its next write when the former is answered. Prints a JSON object. */
#include "write.h"

#include <stdlib.h>
#include <string.h>

static void fail(const char *what)
{
    fprintf(stderr, "bench-write: %s\n", what);
    exit(1);
}

static unsigned long number(const char *text, unsigned long most)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (*end || n > most)
        fail("a number is not what was expected");
    return n;
}

int main(int argc, char **argv)
{
    bool sql = argc > 1 && strcmp(argv[1], "sql") == 0;
    struct sample sample;
    struct plan plan;
    uint16_t port;

    if (argc != (sql ? 13 : 10))
        fail("see the top of write.c for the arguments");
    port = (uint16_t)number(argv[2], UINT16_MAX);
    plan = (struct plan){.clients = (unsigned)number(argv[3], 10000),
                         .warm_up_s = (unsigned)number(argv[4], 3600),
                         .seconds = (unsigned)number(argv[5], 3600),
                         .keyed = number(argv[6], 1),
                         .slots = slots_of(number(argv[7], UINT32_MAX), number(argv[8], 1000000),
                                           number(argv[9], UINT32_MAX))};
    sample_begin(&sample, plan.warm_up_s, plan.seconds);
    if (sql)
        write_sql(&plan,
                  &(struct account){
                      .port = port, .user = argv[11], .database = argv[12], .password = getenv("MYSQL_PWD")},
                  (unsigned)number(argv[10], 1000), &sample);
    else
        write_http(&plan, port, &sample);
    sample_end(&sample, "writes", stdout);
    return 0;
}
