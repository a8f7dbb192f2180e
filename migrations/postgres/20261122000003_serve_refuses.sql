-- migrate:up

-- What served before used to retire even if nothing took its place: then nothing served.
CREATE OR REPLACE FUNCTION projection.serve(p_generation integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM projection.generation WHERE generation = p_generation AND state <> 'retired' FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'generation % cannot serve: it does not exist, or has retired', p_generation USING ERRCODE = 'RR001';
    END IF;
    UPDATE projection.generation SET state = 'retired' WHERE state = 'serving' AND generation <> p_generation;
    UPDATE projection.generation SET state = 'serving', serving_since = clock_timestamp()
     WHERE generation = p_generation AND state = 'building';
    PERFORM pg_notify('projection', 'generation');
END $$;
COMMENT ON FUNCTION projection.serve IS
    'makes a generation the serving one; SQLSTATE RR001, and all stays as it is, if it does not exist or has retired';

-- migrate:down

COMMENT ON FUNCTION projection.serve IS NULL;
CREATE OR REPLACE FUNCTION projection.serve(p_generation integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE projection.generation SET state = 'retired' WHERE state = 'serving' AND generation <> p_generation;
    UPDATE projection.generation SET state = 'serving', serving_since = clock_timestamp()
     WHERE generation = p_generation AND state = 'building';
    PERFORM pg_notify('projection', 'generation');
END $$;
