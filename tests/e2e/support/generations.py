"""A switch of generations by SQL: a copy of the serving one takes its place while everybody goes on."""

TABLES = ("room", "reservation", "reservation_history", "room_day", "total_day")


def switch_to_a_copy(pg) -> int:
    """In one transaction, under the lock that every writer takes first. Returns the new generation."""
    with pg.transaction():
        pg.execute("SET LOCAL ROLE rr_projector")
        old, topic, partition, cluster = pg.execute(
            "SELECT generation, topic, partition, cluster_id FROM projection.position p JOIN projection.generation g"
            " USING (generation) WHERE g.state = 'serving' FOR UPDATE OF p"
        ).fetchone()
        (new,) = pg.execute(
            "SELECT projection.create_generation(%s, %s, %s)", [topic, partition, cluster]
        ).fetchone()
        for table in TABLES:
            pg.execute(f"INSERT INTO g{new}.{table} OVERRIDING SYSTEM VALUE SELECT * FROM g{old}.{table}")
        pg.execute(
            f"SELECT setval(pg_get_serial_sequence('g{new}.reservation_history', 'n'), max(n))"
            f" FROM g{new}.reservation_history"
        )
        pg.execute(
            "UPDATE projection.position n SET (next_offset, fingerprint, as_of, applied_at)"
            " = (o.next_offset, o.fingerprint, o.as_of, o.applied_at)"
            " FROM projection.position o WHERE n.generation = %s AND o.generation = %s",
            [new, old],
        )
        pg.execute("SELECT projection.switch(%s, %s)", [old, new])
    return new
