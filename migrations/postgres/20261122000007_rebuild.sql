-- migrate:up

-- A generation can be built beside the serving one from the truth, take its place, and give it back.

ALTER TABLE projection.generation
    ADD COLUMN rebuilt boolean NOT NULL DEFAULT false,
    ADD COLUMN retired_at timestamptz;
COMMENT ON COLUMN projection.generation.rebuilt IS
    'built from the truth by `projector rebuild`, which fills it and decides when it serves; false: filled from Kafka by `projector run`';
COMMENT ON COLUMN projection.generation.retired_at IS 'when another took its place; the last one is kept for a roll back';
COMMENT ON COLUMN projection.generation.serving_since IS
    'when readers went over to it; building with this set: it has served before and is catching up to serve again';

-- The first generation serves from its first pulse on, and only if nothing else does: a stale projector that still fills an older
-- one, or somebody's first pulse in a rebuild's, changes nothing.
CREATE OR REPLACE FUNCTION projection.serve(p_generation integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE projection.generation SET state = 'serving', serving_since = clock_timestamp()
     WHERE generation = p_generation AND state = 'building' AND NOT rebuilt AND serving_since IS NULL
       AND NOT EXISTS (SELECT FROM projection.generation WHERE state = 'serving');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'generation % cannot serve: it is not the first one being built, or another serves', p_generation
            USING ERRCODE = 'RR001';
    END IF;
    PERFORM pg_notify('projection', 'generation');
END $$;
COMMENT ON FUNCTION projection.serve IS 'makes the first generation the serving one; SQLSTATE RR001, and all stays as it is, if it is not';

-- An empty generation without keys and indexes, which are cheaper to make when it is full. The first row is its number, the
-- others are the statements that make what it lacks.
CREATE FUNCTION projection.begin_rebuild(p_topic text, p_partition integer, p_cluster_id text, p_next_offset bigint)
RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    g integer := projection.create_generation(p_topic, p_partition, p_cluster_id);
    k record;
BEGIN
    UPDATE projection.generation SET rebuilt = true WHERE generation = g;
    UPDATE projection.position SET next_offset = p_next_offset WHERE generation = g;
    RETURN NEXT g;
    FOR k IN
        SELECT format('ALTER TABLE %I.%I', n.nspname, r.relname) AS tab, c.conname AS name, pg_get_constraintdef(c.oid) AS definition
          FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace
         WHERE n.nspname = 'g' || g AND c.contype = 'p' ORDER BY r.relname
    LOOP
        EXECUTE format('%s DROP CONSTRAINT %I', k.tab, k.name);
        RETURN NEXT format('%s ADD CONSTRAINT %I %s', k.tab, k.name, k.definition);
    END LOOP;
    FOR k IN
        SELECT format('%I.%I', schemaname, indexname) AS name, indexdef AS definition
          FROM pg_indexes WHERE schemaname = 'g' || g ORDER BY tablename, indexname
    LOOP
        EXECUTE format('DROP INDEX %s', k.name);
        RETURN NEXT k.definition;
    END LOOP;
END $$;
COMMENT ON FUNCTION projection.begin_rebuild IS 'makes the bare tables of a generation that a rebuild fills, and says what makes their keys and indexes';

-- Readers go over at their next statement. Whoever writes either generation finds its parked_epoch raised: the projector that
-- filled the old one goes over too, and the rebuild that filled the new one is done.
CREATE FUNCTION projection.switch(p_from integer, p_to integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    was projection.position;
    becomes projection.position;
BEGIN
    SELECT * INTO was FROM projection.position WHERE generation = p_from FOR UPDATE;
    SELECT * INTO becomes FROM projection.position WHERE generation = p_to FOR UPDATE;
    IF NOT EXISTS (SELECT FROM projection.generation WHERE generation = p_from AND state = 'serving')
       OR NOT EXISTS (SELECT FROM projection.generation WHERE generation = p_to AND state = 'building') THEN
        RAISE EXCEPTION 'generation % does not serve, or % is not being built', p_from, p_to USING ERRCODE = 'RR001';
    END IF;
    IF (was.topic, was.partition, was.cluster_id) IS DISTINCT FROM (becomes.topic, becomes.partition, becomes.cluster_id) THEN
        RAISE EXCEPTION 'generations % and % are not filled from the same log', p_from, p_to;
    END IF;
    IF becomes.next_offset < was.next_offset THEN
        RAISE EXCEPTION 'generation % stands at %, generation % serves at %', p_to, becomes.next_offset, p_from, was.next_offset;
    END IF;
    UPDATE projection.generation SET state = 'retired', retired_at = clock_timestamp() WHERE generation = p_from;
    UPDATE projection.generation SET state = 'serving', serving_since = clock_timestamp(), retired_at = NULL WHERE generation = p_to;
    UPDATE projection.position SET parked_epoch = parked_epoch + 1, as_of = greatest(as_of, was.as_of)
     WHERE generation = p_to;
    UPDATE projection.position SET parked_epoch = parked_epoch + 1 WHERE generation = p_from;
    PERFORM pg_notify('projection', 'generation');
END $$;
COMMENT ON FUNCTION projection.switch IS
    'one generation takes the place of the serving one, in one transaction; raises, and all stays as it is, unless it holds all that the other one does';

GRANT DELETE ON projection.generation, projection.position TO rr_projector;

-- migrate:down

REVOKE DELETE ON projection.generation, projection.position FROM rr_projector;
DROP FUNCTION projection.switch(integer, integer);
DROP FUNCTION projection.begin_rebuild(text, integer, text, bigint);
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
COMMENT ON COLUMN projection.generation.serving_since IS 'when readers went over to it';
ALTER TABLE projection.generation DROP COLUMN rebuilt, DROP COLUMN retired_at;
