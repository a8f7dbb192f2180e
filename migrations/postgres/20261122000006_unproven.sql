-- migrate:up

-- as_of stands still while the log is unproven, and a snapshot that comes into a generation with data makes it so. What stands after
-- the batch is returned, for only this row knows it: the mark is taken away by another connection.
DROP FUNCTION projection.advance(integer, bigint, bigint, bigint, bytea, timestamptz);
CREATE FUNCTION projection.advance(
    p_generation integer, p_expected_offset bigint, p_next_offset bigint, p_parked_epoch bigint, p_fingerprint bytea,
    p_as_of timestamptz, p_snapshot boolean, OUT o_as_of timestamptz, OUT o_unproven boolean
) LANGUAGE plpgsql AS $$
DECLARE
    stop record;
BEGIN
    UPDATE projection.position p
       SET next_offset = p_next_offset,
           fingerprint = coalesce(p_fingerprint, p.fingerprint),
           unproven_since = CASE WHEN p_snapshot AND p.as_of IS NOT NULL THEN clock_timestamp() ELSE p.unproven_since END,
           as_of       = CASE WHEN p.unproven_since IS NOT NULL OR (p_snapshot AND p.as_of IS NOT NULL) THEN p.as_of
                              ELSE greatest(p.as_of, p_as_of) END,
           applied_at  = clock_timestamp()
      FROM projection.generation g
     WHERE p.generation = p_generation AND p.next_offset = p_expected_offset AND p.parked_epoch = p_parked_epoch AND p.halted IS NULL
       AND g.generation = p.generation AND g.state <> 'retired'
    RETURNING p.as_of, p.unproven_since IS NOT NULL INTO o_as_of, o_unproven;
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT halted, halted_reason INTO stop FROM projection.position WHERE generation = p_generation;
    IF stop.halted IS NOT NULL THEN
        RAISE EXCEPTION 'generation % is halted (%): %', p_generation, stop.halted, stop.halted_reason USING ERRCODE = 'RR002';
    END IF;
    RAISE EXCEPTION 'generation % is not at offset %, epoch %: another projector has moved it, or it has retired',
        p_generation, p_expected_offset, p_parked_epoch USING ERRCODE = 'RR001';
END $$;
COMMENT ON FUNCTION projection.advance IS
    'compare-and-set of a generation''s position; SQLSTATE RR001 when it has been moved by somebody else, RR002 while it is halted';

CREATE FUNCTION projection.replace_log(
    p_generation integer, p_expected_offset bigint, p_parked_epoch bigint, p_begin bigint, p_cluster_id text
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM projection.advance(p_generation, p_expected_offset, p_begin, p_parked_epoch, NULL, NULL, false);
    UPDATE projection.position SET cluster_id = p_cluster_id, fingerprint = NULL, unproven_since = clock_timestamp()
     WHERE generation = p_generation;
END $$;
COMMENT ON FUNCTION projection.replace_log IS
    'the log is another one: the position goes to its beginning, and is unproven until a verify has ended equal; fails as advance() does';

-- migrate:down

DROP FUNCTION projection.replace_log(integer, bigint, bigint, bigint, text);
DROP FUNCTION projection.advance(integer, bigint, bigint, bigint, bytea, timestamptz, boolean);
CREATE FUNCTION projection.advance(
    p_generation integer, p_expected_offset bigint, p_next_offset bigint, p_parked_epoch bigint, p_fingerprint bytea, p_as_of timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    stop record;
BEGIN
    UPDATE projection.position p
       SET next_offset = p_next_offset,
           fingerprint = coalesce(p_fingerprint, p.fingerprint),
           as_of       = greatest(p.as_of, p_as_of),
           applied_at  = clock_timestamp()
      FROM projection.generation g
     WHERE p.generation = p_generation AND p.next_offset = p_expected_offset AND p.parked_epoch = p_parked_epoch AND p.halted IS NULL
       AND g.generation = p.generation AND g.state <> 'retired';
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT halted, halted_reason INTO stop FROM projection.position WHERE generation = p_generation;
    IF stop.halted IS NOT NULL THEN
        RAISE EXCEPTION 'generation % is halted (%): %', p_generation, stop.halted, stop.halted_reason USING ERRCODE = 'RR002';
    END IF;
    RAISE EXCEPTION 'generation % is not at offset %, epoch %: another projector has moved it, or it has retired',
        p_generation, p_expected_offset, p_parked_epoch USING ERRCODE = 'RR001';
END $$;
COMMENT ON FUNCTION projection.advance IS
    'compare-and-set of a generation''s position; SQLSTATE RR001 when it has been moved by somebody else, RR002 while it is halted';
