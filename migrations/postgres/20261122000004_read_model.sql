-- migrate:up

-- For people with psql: the serving generation under names that do not change. The projector owns the views and puts them over the
-- next generation after a switch, not in its transaction: somebody who reads them in a long transaction must not hold the switch up.
CREATE SCHEMA read_model AUTHORIZATION rr_projector;

CREATE FUNCTION projection.show() RETURNS void LANGUAGE plpgsql SET lock_timeout = '1s' AS $$
DECLARE
    g integer;
    shown text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('projection.show'));
    SELECT generation INTO g FROM projection.generation WHERE state = 'serving';
    shown := 'the read model, for people: views of generation ' || g;
    IF g IS NULL OR shown = obj_description('read_model'::regnamespace, 'pg_namespace') THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE OR REPLACE VIEW read_model.room AS
        SELECT id, name, capacity, location, active, version, created_at, updated_at FROM %I.room', 'g' || g);
    EXECUTE format('CREATE OR REPLACE VIEW read_model.reservation AS
        SELECT id, room_id, room_name, room_location, user_id, title, starts_at, ends_at, state, version, created_at, updated_at
          FROM %I.reservation WHERE NOT deleted', 'g' || g);
    EXECUTE format('CREATE OR REPLACE VIEW read_model.reservation_history AS
        SELECT reservation_id, version, kind, recorded_at, recorded_by, reason, changes, room_id, user_id, title, starts_at, ends_at,
               state FROM %I.reservation_history', 'g' || g);
    EXECUTE format('COMMENT ON SCHEMA read_model IS %L', shown);
END $$;
COMMENT ON FUNCTION projection.show IS 'puts the views of schema read_model over the serving generation, if they are not there yet';

-- migrate:down

DROP FUNCTION projection.show();
DROP SCHEMA read_model CASCADE;
