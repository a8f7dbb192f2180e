/* bench-write: how many bookings a second can be made, through command-svc or straight in MySQL.
 *
 * usage: bench-write http PORT CLIENTS WARM_UP_S SECONDS KEYED FIRST_ROOM ROOMS FIRST_BOOKING
 *        bench-write sql PORT CLIENTS WARM_UP_S SECONDS KEYED FIRST_ROOM ROOMS FIRST_BOOKING CONNECTIONS USER
 * DATABASE (the password is in MYSQL_PWD)
 *
 * Closed loop: each client sends its next write when the former is answered. Prints a JSON object. */
#include "write.h"
#include "args.h"

#include <stdlib.h>
#include <string.h>

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
