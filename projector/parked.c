#include "parked.h"

static struct map_key room_key(int64_t id)
{
    return (struct map_key){.a = (uint64_t)id};
}

void parked_put(struct parked *p, const struct subject *s)
{
    if (s->what == SUBJECT_RESERVATION)
        *map_at(&p->reservations, map_key_uuid(&s->reservation_id)) = p;
    else if (s->what == SUBJECT_ROOM)
        *map_at(&p->rooms, room_key(s->room_id)) = p;
}

bool parked_has_reservation(const struct parked *p, const struct rr_uuid *id)
{
    return p->reservations.n && map_find(&p->reservations, map_key_uuid(id));
}

bool parked_has_room(const struct parked *p, int64_t id)
{
    return p->rooms.n && map_find(&p->rooms, room_key(id));
}

bool parked_has(const struct parked *p, const struct subject *s)
{
    switch (s->what) {
    case SUBJECT_RESERVATION: return parked_has_reservation(p, &s->reservation_id);
    case SUBJECT_ROOM: return parked_has_room(p, s->room_id);
    default: return false;
    }
}

void parked_reset(struct parked *p)
{
    map_reset(&p->reservations);
    map_reset(&p->rooms);
    p->n_gaps = 0;
}

void parked_fini(struct parked *p)
{
    map_fini(&p->reservations);
    map_fini(&p->rooms);
}
