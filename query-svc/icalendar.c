#include "icalendar.h"

#include "render.h"

#include "macros.h"
#include "time.h"

#include <libical/ical.h>
#include <stdlib.h>
#include <string.h>

static struct icaltimetype instant(const PGresult *res, int row, int col)
{
    time_t seconds = (time_t)(render_us(res, row, col) / RR_US_PER_SEC);

    return icaltime_from_timet_with_zone(seconds, 0, icaltimezone_get_utc_timezone());
}

static const char *text_or(const PGresult *res, int row, int col, const char *other)
{
    return PQgetisnull(res, row, col) ? other : PQgetvalue(res, row, col);
}

static void add_place(icalcomponent *event, const PGresult *res, int row, int col)
{
    const char *name = text_or(res, row, col + RESERVATION_ROOM_NAME, "");
    const char *location = text_or(res, row, col + RESERVATION_ROOM_LOCATION, "");
    rr_auto(buf) struct rr_buf place = {0};

    rr_buf_printf(&place, "%s%s%s", name, *name && *location ? ", " : "", location);
    if (place.len)
        icalcomponent_add_property(event, icalproperty_new_location(place.data));
}

static void add_details(icalcomponent *event, const PGresult *res, int row, int col)
{
    const char *room = text_or(res, row, col + RESERVATION_ROOM_NAME, "Reservation");

    icalcomponent_add_property(event,
                               icalproperty_new_summary(text_or(res, row, col + RESERVATION_TITLE, room)));
    icalcomponent_add_property(event,
                               icalproperty_new_description(PQgetvalue(res, row, col + RESERVATION_USER)));
}

static icalcomponent *event_of(const PGresult *res, int row, int col, bool details)
{
    bool cancelled = strcmp(PQgetvalue(res, row, col + RESERVATION_STATE), "cancelled") == 0;
    int version = (int)render_int(res, row, col + RESERVATION_VERSION);
    struct icaltimetype changed = instant(res, row, col + RESERVATION_UPDATED);
    icalcomponent *event = icalcomponent_vanew(
        ICAL_VEVENT_COMPONENT, icalproperty_new_uid(PQgetvalue(res, row, col + RESERVATION_ID)),
        /* of a feed without a method it is the time of the last change (RFC 5545, 3.8.7.2) */
        icalproperty_new_dtstamp(changed), icalproperty_new_lastmodified(changed),
        icalproperty_new_created(instant(res, row, col + RESERVATION_CREATED)),
        icalproperty_new_sequence(version - 1),
        icalproperty_new_dtstart(instant(res, row, col + RESERVATION_STARTS)),
        icalproperty_new_dtend(instant(res, row, col + RESERVATION_ENDS)),
        icalproperty_new_status(cancelled ? ICAL_STATUS_CANCELLED : ICAL_STATUS_CONFIRMED), NULL);

    add_place(event, res, row, col);
    if (details)
        add_details(event, res, row, col);
    else
        icalcomponent_add_property(event, icalproperty_new_summary("Reserved"));
    return event;
}

void icalendar_write(struct rr_buf *out, const char *name, const PGresult *res, int col, bool details)
{
    int rows = PQgetisnull(res, 0, col) ? 0 : PQntuples(res);
    icalproperty *shown = icalproperty_new_x(name);
    icalcomponent *calendar =
        icalcomponent_vanew(ICAL_VCALENDAR_COMPONENT, icalproperty_new_version("2.0"),
                            icalproperty_new_prodid("-//room-reservation//query-svc//EN"), shown, NULL);
    char *text;

    icalproperty_set_x_name(shown, "X-WR-CALNAME");
    for (int row = 0; row < rows; row++)
        icalcomponent_add_component(calendar, event_of(res, row, col, details));
    text = icalcomponent_as_ical_string_r(calendar);
    if (text)
        rr_buf_puts(out, text);
    else
        out->failed = true;
    free(text);
    icalcomponent_free(calendar);
}
