-- migrate:up

-- A day of a room is 700 bytes, most of it quarter-hours. Popularity over years would read gigabytes of them to use two numbers of each, so the
-- numbers are kept by month, too. Triggers on room_day do that, so that a month is the sum of its days whoever writes those.
CREATE FUNCTION projection.count_months(p_generation integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s text := 'g' || p_generation;
BEGIN
    IF to_regclass(format('%I.room_month', s)) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('LOCK TABLE %I.room_day IN SHARE ROW EXCLUSIVE MODE', s);
    EXECUTE format('CREATE TABLE %I.room_month (
        room_id          bigint NOT NULL,
        month            date NOT NULL,
        reservations     integer NOT NULL,
        reserved_minutes integer NOT NULL,
        PRIMARY KEY (month, room_id)
    ) WITH (fillfactor = 70)', s);
    EXECUTE format('COMMENT ON TABLE %I.room_month IS %L', s, 'room_day summed by month, kept by its triggers');
    EXECUTE format('COMMENT ON COLUMN %I.room_month.month IS %L', s, 'its first day');
    EXECUTE format('INSERT INTO %1$I.room_month (room_id, month, reservations, reserved_minutes)
        SELECT room_id, date_trunc(''month'', day)::date, sum(reservations), sum(reserved_minutes) FROM %1$I.room_day GROUP BY 1, 2', s);
    EXECUTE format('CREATE FUNCTION %1$I.count_month() RETURNS trigger LANGUAGE plpgsql AS $f$
    BEGIN
        IF TG_OP = ''INSERT'' THEN
            INSERT INTO %1$I.room_month AS m (room_id, month, reservations, reserved_minutes)
            SELECT room_id, date_trunc(''month'', day)::date, sum(reservations), sum(reserved_minutes) FROM after GROUP BY 1, 2
            ON CONFLICT (month, room_id) DO UPDATE SET reservations = m.reservations + excluded.reservations,
                reserved_minutes = m.reserved_minutes + excluded.reserved_minutes;
        ELSIF TG_OP = ''DELETE'' THEN
            UPDATE %1$I.room_month m SET reservations = m.reservations - d.reservations, reserved_minutes = m.reserved_minutes - d.reserved_minutes
              FROM (SELECT room_id, date_trunc(''month'', day)::date AS month, sum(reservations) AS reservations,
                           sum(reserved_minutes) AS reserved_minutes FROM before GROUP BY 1, 2) d
             WHERE m.month = d.month AND m.room_id = d.room_id;
        ELSE
            INSERT INTO %1$I.room_month AS m (room_id, month, reservations, reserved_minutes)
            SELECT room_id, month, sum(reservations), sum(reserved_minutes)
              FROM (SELECT room_id, date_trunc(''month'', day)::date AS month, reservations, reserved_minutes FROM after
                    UNION ALL SELECT room_id, date_trunc(''month'', day)::date, -reservations, -reserved_minutes FROM before) d
             GROUP BY 1, 2 HAVING sum(reservations) <> 0 OR sum(reserved_minutes) <> 0
            ON CONFLICT (month, room_id) DO UPDATE SET reservations = m.reservations + excluded.reservations,
                reserved_minutes = m.reserved_minutes + excluded.reserved_minutes;
        END IF;
        RETURN NULL;
    END $f$', s);
    EXECUTE format('CREATE TRIGGER count_inserted AFTER INSERT ON %1$I.room_day REFERENCING NEW TABLE AS after
        FOR EACH STATEMENT EXECUTE FUNCTION %1$I.count_month()', s);
    EXECUTE format('CREATE TRIGGER count_updated AFTER UPDATE ON %1$I.room_day REFERENCING OLD TABLE AS before NEW TABLE AS after
        FOR EACH STATEMENT EXECUTE FUNCTION %1$I.count_month()', s);
    EXECUTE format('CREATE TRIGGER count_deleted AFTER DELETE ON %1$I.room_day REFERENCING OLD TABLE AS before
        FOR EACH STATEMENT EXECUTE FUNCTION %1$I.count_month()', s);
    EXECUTE format('GRANT SELECT ON %I.room_month TO rr_query', s);
END $$;
COMMENT ON FUNCTION projection.count_months IS
    'makes room_month of a generation and fills it, once; best when room_day has been filled, at the latest when the generation begins to serve';

CREATE FUNCTION projection.count_months_before_serving() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM projection.count_months(NEW.generation);
    RETURN NEW;
END $$;
CREATE TRIGGER count_months_before_serving BEFORE UPDATE OF state ON projection.generation
    FOR EACH ROW WHEN (NEW.state = 'serving') EXECUTE FUNCTION projection.count_months_before_serving();

-- What serves or has served, by the role that owns it.
DO $$
DECLARE
    g record;
BEGIN
    FOR g IN SELECT generation, n.nspowner::regrole::text AS owner
               FROM projection.generation JOIN pg_namespace n ON n.nspname = 'g' || generation WHERE state <> 'building' LOOP
        EXECUTE format('SET LOCAL ROLE %s', g.owner);
        PERFORM projection.count_months(g.generation);
        RESET ROLE;
    END LOOP;
END $$;

-- migrate:down

DROP TRIGGER count_months_before_serving ON projection.generation;
DROP FUNCTION projection.count_months_before_serving();
DROP FUNCTION projection.count_months(integer);
DO $$
DECLARE
    s text;
BEGIN
    FOR s IN SELECT 'g' || generation FROM projection.generation WHERE to_regclass('g' || generation || '.room_month') IS NOT NULL LOOP
        EXECUTE format('DROP FUNCTION %I.count_month() CASCADE', s);
        EXECUTE format('DROP TABLE %I.room_month', s);
    END LOOP;
END $$;
