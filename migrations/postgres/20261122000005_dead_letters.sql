-- migrate:up

-- What cannot be applied waits here, and with it everything that comes later of the same reservation or room, so that order is kept
-- while all others go on.
CREATE TABLE projection.dead_letter (
    id             bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    generation     integer NOT NULL REFERENCES projection.generation ON DELETE CASCADE,
    state          text NOT NULL DEFAULT 'parked' CHECK (state IN ('parked', 'skipped')),
    kind           text NOT NULL CHECK (kind IN ('message', 'gap', 'lost', 'behind')),
    reservation_id uuid,
    room_id        bigint,
    version        integer,
    topic_offset   bigint NOT NULL,
    key            bytea,
    value          bytea,
    reason         text NOT NULL,
    parked_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    skipped_at     timestamptz,
    skipped_by     text,
    skip_reason    text,
    CHECK (num_nonnulls(reservation_id, room_id) <= 1),
    CHECK ((state = 'skipped') = (num_nonnulls(skipped_at, skipped_by, skip_reason) = 3))
);
COMMENT ON TABLE projection.dead_letter IS 'messages that are not applied; whoever changes it has locked the position row of the generation first';
COMMENT ON COLUMN projection.dead_letter.id IS 'what `projector dead-letters show`, `retry` and `skip` take';
COMMENT ON COLUMN projection.dead_letter.generation IS 'the copy of the read model that lacks it';
COMMENT ON COLUMN projection.dead_letter.state IS 'parked: waits; skipped: given up by an operator. What is applied after all is deleted here';
COMMENT ON COLUMN projection.dead_letter.kind IS 'message: cannot be read or applied; gap: a version before it is missing and MySQL could not be asked; lost: MySQL does not have that version either; behind: waits behind another one';
COMMENT ON COLUMN projection.dead_letter.reservation_id IS 'the reservation that is parked with it';
COMMENT ON COLUMN projection.dead_letter.room_id IS 'the room that is parked with it; neither: its key could not be read';
COMMENT ON COLUMN projection.dead_letter.version IS 'of the reservation or room; null: could not be read';
COMMENT ON COLUMN projection.dead_letter.topic_offset IS 'where it stood in the topic';
COMMENT ON COLUMN projection.dead_letter.key IS 'the message''s key as it came';
COMMENT ON COLUMN projection.dead_letter.value IS 'the message as it came';
COMMENT ON COLUMN projection.dead_letter.reason IS 'why it is not applied, as of the last attempt';
COMMENT ON COLUMN projection.dead_letter.parked_at IS 'when it was put here';
COMMENT ON COLUMN projection.dead_letter.skipped_at IS 'when an operator gave it up';
COMMENT ON COLUMN projection.dead_letter.skipped_by IS 'who: the name of the account in the operating system';
COMMENT ON COLUMN projection.dead_letter.skip_reason IS 'why, in the operator''s words';
CREATE INDEX dead_letter_by_reservation ON projection.dead_letter (reservation_id, version) WHERE reservation_id IS NOT NULL;
CREATE INDEX dead_letter_by_room ON projection.dead_letter (room_id, version) WHERE room_id IS NOT NULL;
CREATE INDEX dead_letter_by_generation ON projection.dead_letter (generation, topic_offset, id);

ALTER TABLE projection.position
    ADD COLUMN parked integer NOT NULL DEFAULT 0,
    ADD COLUMN halted text CHECK (halted IN ('breaker', 'rewound')),
    ADD COLUMN halted_at timestamptz,
    ADD COLUMN halted_reason text,
    ADD COLUMN resumed_at timestamptz,
    ADD CHECK (num_nonnulls(halted, halted_at, halted_reason) IN (0, 3));
COMMENT ON COLUMN projection.position.parked IS 'how many events wait in projection.dead_letter; beside as_of, so that reads have it for nothing';
COMMENT ON COLUMN projection.position.halted IS 'nothing more is applied until an operator acts; breaker: too much was parked; rewound: the truth was set back';
COMMENT ON COLUMN projection.position.halted_at IS 'since when';
COMMENT ON COLUMN projection.position.halted_reason IS 'why, in words';
COMMENT ON COLUMN projection.position.resumed_at IS 'when the breaker was closed last: what was parked before does not open it again';

CREATE FUNCTION projection.count_parked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE projection.position p SET parked = c.parked
      FROM (SELECT q.generation, count(d.id) AS parked FROM projection.position q
              LEFT JOIN projection.dead_letter d ON d.generation = q.generation AND d.state = 'parked'
             GROUP BY q.generation) c
     WHERE c.generation = p.generation AND c.parked <> p.parked;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION projection.count_parked IS 'keeps position.parked true, whoever changes projection.dead_letter';
CREATE TRIGGER count_parked AFTER INSERT OR UPDATE OR DELETE ON projection.dead_letter
    FOR EACH STATEMENT EXECUTE FUNCTION projection.count_parked();

CREATE FUNCTION projection.halt(p_generation integer, p_kind text, p_reason text) RETURNS void LANGUAGE sql AS $$
    UPDATE projection.position SET halted = p_kind, halted_at = clock_timestamp(), halted_reason = p_reason
     WHERE generation = p_generation AND halted IS NULL;
$$;
COMMENT ON FUNCTION projection.halt IS 'from now on advance() refuses, until an operator acts; what has halted it first stays';

CREATE FUNCTION projection.check_breaker(p_generation integer, p_most bigint, p_window interval) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    SELECT count(*) INTO n FROM projection.dead_letter d JOIN projection.position p USING (generation)
     WHERE d.generation = p_generation AND d.kind <> 'behind' AND d.state = 'parked'
       AND d.parked_at > greatest(clock_timestamp() - p_window, p.resumed_at);
    IF n > p_most THEN
        PERFORM projection.halt(p_generation, 'breaker', format('%s events were parked within %s', n, p_window));
    END IF;
END $$;
COMMENT ON FUNCTION projection.check_breaker IS 'opens the breaker when more than so many events were parked within the window; those that only wait behind others do not count';

CREATE OR REPLACE FUNCTION projection.advance(
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

GRANT SELECT, INSERT, UPDATE, DELETE ON projection.dead_letter TO rr_projector;
GRANT SELECT (generation, state, reservation_id, room_id, version) ON projection.dead_letter TO rr_query;

-- migrate:down

COMMENT ON FUNCTION projection.advance IS 'compare-and-set of a generation''s position; SQLSTATE RR001 when it has been moved by somebody else';
CREATE OR REPLACE FUNCTION projection.advance(
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
DROP FUNCTION projection.check_breaker(integer, bigint, interval);
DROP FUNCTION projection.halt(integer, text, text);
DROP TABLE projection.dead_letter;
DROP FUNCTION projection.count_parked();
ALTER TABLE projection.position
    DROP COLUMN parked, DROP COLUMN halted, DROP COLUMN halted_at, DROP COLUMN halted_reason, DROP COLUMN resumed_at;
