-- migrate:up

-- The read model: schema `projection` says which generation serves and how far each has come; each generation is a schema
-- g<number> of its own, made by projection.create_generation(), so that a new one can be built beside the serving one.

CREATE SCHEMA projection;
COMMENT ON SCHEMA projection IS 'which generation of the read model serves, and how far each has come';

CREATE TABLE projection.generation (
    generation  integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    state       text NOT NULL DEFAULT 'building' CHECK (state IN ('building', 'serving', 'retired')),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    serving_since timestamptz
);
COMMENT ON TABLE projection.generation IS 'one built copy of the read model; its tables are in schema g<generation>';
COMMENT ON COLUMN projection.generation.state IS 'building: not read yet; serving: what query-svc reads, one at most; retired: kept, not written';
COMMENT ON COLUMN projection.generation.created_at IS 'when its empty tables were made';
COMMENT ON COLUMN projection.generation.serving_since IS 'when readers went over to it';
CREATE UNIQUE INDEX one_generation_serves ON projection.generation (state) WHERE state = 'serving';

CREATE TABLE projection.position (
    generation   integer PRIMARY KEY REFERENCES projection.generation,
    topic        text NOT NULL,
    partition    integer NOT NULL,
    next_offset  bigint NOT NULL,
    cluster_id   text,
    fingerprint  bytea,
    parked_epoch bigint NOT NULL DEFAULT 0,
    unproven_since timestamptz,
    as_of        timestamptz,
    applied_at   timestamptz
) WITH (fillfactor = 10);  -- one small row, changed by every batch: room for HOT updates
COMMENT ON TABLE projection.position IS 'how far a generation has come; every writer of the generation locks its row first';
COMMENT ON COLUMN projection.position.topic IS 'the Kafka topic it is filled from';
COMMENT ON COLUMN projection.position.partition IS 'always 0: the order of changes across tables is that of one partition';
COMMENT ON COLUMN projection.position.next_offset IS 'the Kafka offset that is applied next; moved by compare-and-set in the transaction of the data';
COMMENT ON COLUMN projection.position.cluster_id IS 'the Kafka cluster that the position counts in';
COMMENT ON COLUMN projection.position.fingerprint IS 'hash of the last applied message, to tell a replaced log from the same one';
COMMENT ON COLUMN projection.position.parked_epoch IS 'raised by whoever changes what is parked, so that a running projector notices';
COMMENT ON COLUMN projection.position.unproven_since IS 'set when the log was replaced, until a verify has proven the generation equal to the truth';
COMMENT ON COLUMN projection.position.as_of IS 'everything committed in MySQL before this instant is applied; never moves back; null until the first pulse';
COMMENT ON COLUMN projection.position.applied_at IS 'when the last batch was applied, by this server''s clock';

-- The first statement of every batch. It raises instead of matching nothing, so that the rest of a pipelined batch aborts: a projector
-- that was overtaken (stopped and resumed, cut off, a second one) can change nothing.
CREATE FUNCTION projection.advance(
    p_generation integer, p_expected_offset bigint, p_next_offset bigint, p_parked_epoch bigint, p_fingerprint bytea, p_as_of timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE projection.position p
       SET next_offset = p_next_offset,
           fingerprint = coalesce(p_fingerprint, p.fingerprint),
           as_of       = greatest(p.as_of, p_as_of),
           applied_at  = clock_timestamp()
      FROM projection.generation g
     WHERE p.generation = p_generation AND p.next_offset = p_expected_offset AND p.parked_epoch = p_parked_epoch
       AND g.generation = p.generation AND g.state <> 'retired';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'generation % is not at offset %, epoch %: another projector has moved it, or it has retired',
            p_generation, p_expected_offset, p_parked_epoch USING ERRCODE = 'RR001';
    END IF;
END $$;
COMMENT ON FUNCTION projection.advance IS 'compare-and-set of a generation''s position; SQLSTATE RR001 when it has been moved by somebody else';

-- A generation becomes the serving one; what served before retires. Readers switch at their next statement.
CREATE FUNCTION projection.serve(p_generation integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE projection.generation SET state = 'retired' WHERE state = 'serving' AND generation <> p_generation;
    UPDATE projection.generation SET state = 'serving', serving_since = clock_timestamp()
     WHERE generation = p_generation AND state = 'building';
    PERFORM pg_notify('projection', 'generation');
END $$;

CREATE FUNCTION projection.create_generation(p_topic text, p_partition integer, p_cluster_id text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    g integer;
    s text;
BEGIN
    INSERT INTO projection.generation DEFAULT VALUES RETURNING generation INTO g;
    INSERT INTO projection.position (generation, topic, partition, next_offset, cluster_id)
    VALUES (g, p_topic, p_partition, 0, p_cluster_id);
    s := 'g' || g;
    EXECUTE format('CREATE SCHEMA %I', s);
    EXECUTE format('SET LOCAL search_path TO %I', s);

    CREATE TABLE room (
        id         bigint PRIMARY KEY,
        name       text NOT NULL,
        location   text,
        capacity   integer NOT NULL,
        active     boolean NOT NULL,
        version    integer NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
    ) WITH (fillfactor = 80);
    COMMENT ON TABLE room IS 'rooms as the truth has them';
    COMMENT ON COLUMN room.active IS 'false: retired, takes no new reservations';
    COMMENT ON COLUMN room.version IS 'rises with each change; an older one never replaces a newer one';

    CREATE TABLE reservation (
        id            uuid PRIMARY KEY,
        room_id       bigint NOT NULL,
        room_name     text,
        room_location text,
        user_id       text NOT NULL,
        title         text,
        starts_at     timestamptz NOT NULL,
        ends_at       timestamptz NOT NULL,
        state         text NOT NULL,
        version       integer NOT NULL,
        deleted       boolean NOT NULL,
        created_at    timestamptz NOT NULL,
        updated_at    timestamptz NOT NULL
    ) WITH (fillfactor = 80);
    COMMENT ON TABLE reservation IS 'the newest state of each reservation, with its room''s name and location';
    COMMENT ON COLUMN reservation.room_name IS 'follows a rename; null while the room is not known';
    COMMENT ON COLUMN reservation.room_location IS 'likewise';
    COMMENT ON COLUMN reservation.state IS 'confirmed or cancelled';
    COMMENT ON COLUMN reservation.version IS 'the last applied event; an event that is not newer changes nothing';
    COMMENT ON COLUMN reservation.updated_at IS 'when that event was recorded in MySQL';
    COMMENT ON COLUMN reservation.deleted IS 'deleted in the truth: hidden, kept so that nothing late resurrects it';
    CREATE INDEX reservation_by_user ON reservation (user_id, starts_at DESC, id DESC) WHERE NOT deleted;
    CREATE INDEX reservation_by_room ON reservation (room_id, starts_at);

    CREATE TABLE reservation_history (
        n           bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
        reservation_id uuid NOT NULL,
        version     integer NOT NULL,
        kind        text NOT NULL,
        recorded_at timestamptz NOT NULL,
        recorded_by text NOT NULL,
        reason      text,
        trace_id    text,
        changes     jsonb NOT NULL,
        room_id     bigint NOT NULL,
        user_id     text NOT NULL,
        title       text,
        starts_at   timestamptz NOT NULL,
        ends_at     timestamptz NOT NULL,
        state       text NOT NULL,
        PRIMARY KEY (reservation_id, version)
    );
    COMMENT ON TABLE reservation_history IS 'every event, once; never changed';
    COMMENT ON COLUMN reservation_history.version IS '1, 2, 3 … of the reservation, without gaps';
    COMMENT ON COLUMN reservation_history.kind IS 'created, changed, cancelled or deleted';
    COMMENT ON COLUMN reservation_history.recorded_at IS 'when the change was made in MySQL';
    COMMENT ON COLUMN reservation_history.recorded_by IS 'the user who asked for it, or the SQL account of a change by hand';
    COMMENT ON COLUMN reservation_history.reason IS 'of a cancellation, if one was given';
    COMMENT ON COLUMN reservation_history.trace_id IS 'of the request that made the change (W3C Trace Context)';
    COMMENT ON COLUMN reservation_history.room_id IS 'this column and those that follow: the state after the event';
    COMMENT ON COLUMN reservation_history.n IS
        'rises in commit order, with holes: whoever writes here has locked the position row first, until its commit';
    COMMENT ON COLUMN reservation_history.changes IS '{field: {from, to}} against the version before';
    CREATE INDEX reservation_history_by_user
        ON reservation_history (user_id, recorded_at DESC, reservation_id DESC, version DESC);
    CREATE UNIQUE INDEX reservation_history_by_n ON reservation_history (n);

    -- 96 quarter-hours a row make popularity and busy hours exact in every time zone, since all offsets are multiples of 15 minutes.
    CREATE TABLE room_day (
        room_id          bigint NOT NULL,
        day              date NOT NULL,
        reservations     integer NOT NULL,
        reserved_minutes integer NOT NULL,
        starts           smallint[] NOT NULL,
        minutes          smallint[] NOT NULL,
        PRIMARY KEY (day, room_id)
    ) WITH (fillfactor = 70);
    COMMENT ON TABLE room_day IS 'use of one room on one UTC day: confirmed reservations that start, minutes that are occupied';
    COMMENT ON COLUMN room_day.reservations IS 'the sum of starts';
    COMMENT ON COLUMN room_day.reserved_minutes IS 'the sum of minutes';
    COMMENT ON COLUMN room_day.starts IS 'element i: reservations that start in quarter-hour i of the day (1 to 96)';
    COMMENT ON COLUMN room_day.minutes IS 'element i: occupied minutes in quarter-hour i of the day (1 to 96)';

    CREATE TABLE total_day (
        day              date PRIMARY KEY,
        reservations     integer NOT NULL,
        reserved_minutes integer NOT NULL,
        starts           integer[] NOT NULL,
        minutes          integer[] NOT NULL
    ) WITH (fillfactor = 70);
    COMMENT ON TABLE total_day IS 'room_day summed over all rooms';

    EXECUTE format('GRANT USAGE ON SCHEMA %I TO rr_query', s);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO rr_query', s);
    RETURN g;
END $$;
COMMENT ON FUNCTION projection.create_generation IS 'makes the empty tables of a new generation and its position row';

-- rr_projector owns what it creates; rr_query reads only.
GRANT USAGE ON SCHEMA projection TO rr_projector, rr_query;
GRANT SELECT, INSERT, UPDATE ON projection.generation, projection.position TO rr_projector;
GRANT SELECT ON projection.generation, projection.position TO rr_query;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO rr_projector', current_database()); END $$;

-- migrate:down

DO $$
DECLARE s text;
BEGIN
    FOR s IN SELECT 'g' || generation FROM projection.generation LOOP
        EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', s);
    END LOOP;
    EXECUTE format('REVOKE CREATE ON DATABASE %I FROM rr_projector', current_database());
END $$;
DROP SCHEMA projection CASCADE;
