-- migrate:up

CREATE TABLE reservation (
    id          BINARY(16) NOT NULL COMMENT 'a UUID; the service makes version 7; never changes, never used again after a DELETE',
    room_id     BIGINT UNSIGNED NOT NULL COMMENT 'the room',
    user_id     VARCHAR(128) NOT NULL COMMENT 'for whom; Ann and ann are two users',
    title       VARCHAR(200) NULL COMMENT 'what for',
    starts_at   DATETIME(6) NOT NULL COMMENT 'UTC, a whole minute; the reservation covers [starts_at, ends_at)',
    ends_at     DATETIME(6) NOT NULL COMMENT 'UTC, a whole minute',
    state       VARCHAR(16) NOT NULL DEFAULT 'confirmed' COMMENT 'confirmed or cancelled',
    version     INT UNSIGNED NOT NULL DEFAULT 1 COMMENT '1, 2, 3 … without gaps, raised by a trigger with every change',
    created_at  DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)) COMMENT 'UTC; the trigger''s',
    updated_at  DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)) COMMENT 'UTC; the trigger''s; rises with the version',
    PRIMARY KEY (id),
    KEY by_room (room_id, state, starts_at, ends_at) COMMENT 'the overlap check reads a window of it',
    -- RESTRICT: a cascade would change reservations without firing the triggers that record changes.
    CONSTRAINT reservation_room FOREIGN KEY (room_id) REFERENCES room (id) ON UPDATE RESTRICT ON DELETE RESTRICT,
    CONSTRAINT reservation_user_is_text CHECK (user_id <> '' AND NOT REGEXP_LIKE(user_id, '[[:cntrl:]]')),
    CONSTRAINT reservation_title_is_text CHECK (title <> '' AND NOT REGEXP_LIKE(title, '[[:cntrl:]]')),
    CONSTRAINT reservation_state_is_known CHECK (state IN ('confirmed', 'cancelled')),
    CONSTRAINT reservation_whole_minutes CHECK (
        SECOND(starts_at) = 0 AND MICROSECOND(starts_at) = 0 AND SECOND(ends_at) = 0 AND MICROSECOND(ends_at) = 0),
    CONSTRAINT reservation_ends_after_start CHECK (starts_at < ends_at),
    -- The triggers look back this far for what may overlap.
    CONSTRAINT reservation_at_most_31_days CHECK (ends_at <= starts_at + INTERVAL 31 DAY)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin COMMENT = 'one booking of one room by one user';

CREATE TABLE reservation_event (
    reservation_id BINARY(16) NOT NULL COMMENT 'the reservation; may have been deleted since',
    version     INT UNSIGNED NOT NULL COMMENT 'the version that this change made',
    kind        VARCHAR(16) NOT NULL COMMENT 'created, changed, cancelled or deleted',
    room_id     BIGINT UNSIGNED NOT NULL COMMENT 'state after the change',
    user_id     VARCHAR(128) NOT NULL COMMENT 'state after the change',
    title       VARCHAR(200) NULL COMMENT 'state after the change',
    starts_at   DATETIME(6) NOT NULL COMMENT 'state after the change, UTC',
    ends_at     DATETIME(6) NOT NULL COMMENT 'state after the change, UTC',
    state       VARCHAR(16) NOT NULL COMMENT 'state after the change; of a deleted one the last',
    created_at  DATETIME(6) NOT NULL COMMENT 'when the reservation was made, UTC',
    recorded_at DATETIME(6) NOT NULL COMMENT 'when this change was made, UTC; updated_at of this version',
    recorded_by VARCHAR(288) NOT NULL COMMENT 'who asked: @rr_actor, else the SQL account',
    reason      VARCHAR(500) NULL COMMENT 'why: @rr_reason',
    trace_id    VARCHAR(32) NULL COMMENT 'W3C trace id of the request: @rr_trace_id',
    PRIMARY KEY (reservation_id, version),
    CONSTRAINT event_kind_is_known CHECK (kind IN ('created', 'changed', 'cancelled', 'deleted'))
) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
  COMMENT = 'the journal: every change of every reservation, written by the triggers of reservation, only ever added to';

-- The last wall against double bookings, for every writer at every isolation level: the room's row lock puts the writers of
-- a room in a queue, and the locking read sees what is committed, not an old snapshot. FORCE INDEX: without it the optimizer has been seen to
-- read the whole table. The lower bound on starts_at keeps the read inside a window; the 31-day CHECK makes it sound.
CREATE TRIGGER reservation_before_insert BEFORE INSERT ON reservation FOR EACH ROW
BEGIN
    DECLARE locked BIGINT UNSIGNED;

    IF NEW.state = 'confirmed' THEN
        SELECT id INTO locked FROM room WHERE id = NEW.room_id FOR UPDATE;
        IF locked IS NULL THEN
            SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'there is no such room';
        END IF;
        IF EXISTS (SELECT 1 FROM reservation r FORCE INDEX (by_room)
                    WHERE r.room_id = NEW.room_id AND r.state = 'confirmed' AND r.starts_at < NEW.ends_at
                      AND r.starts_at > NEW.starts_at - INTERVAL 31 DAY AND r.ends_at > NEW.starts_at
                      AND r.id <> NEW.id FOR SHARE) THEN
            SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the room is already reserved for this time';
        END IF;
    END IF;
    SET NEW.version = 1, NEW.created_at = UTC_TIMESTAMP(6), NEW.updated_at = NEW.created_at;
END;

-- A change of the title or the user needs no look at the room: an UPDATE that cannot collide waits for nobody.
CREATE TRIGGER reservation_before_update BEFORE UPDATE ON reservation FOR EACH ROW
BEGIN
    DECLARE locked BIGINT UNSIGNED;

    IF NEW.id <> OLD.id THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the id of a reservation never changes';
    END IF;
    IF NEW.state = 'confirmed'
       AND NOT (NEW.state = OLD.state AND NEW.room_id = OLD.room_id AND NEW.starts_at = OLD.starts_at
                AND NEW.ends_at = OLD.ends_at) THEN
        SELECT id INTO locked FROM room WHERE id = NEW.room_id FOR UPDATE;
        IF locked IS NULL THEN
            SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'there is no such room';
        END IF;
        IF EXISTS (SELECT 1 FROM reservation r FORCE INDEX (by_room)
                    WHERE r.room_id = NEW.room_id AND r.state = 'confirmed' AND r.starts_at < NEW.ends_at
                      AND r.starts_at > NEW.starts_at - INTERVAL 31 DAY AND r.ends_at > NEW.starts_at
                      AND r.id <> NEW.id FOR SHARE) THEN
            SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the room is already reserved for this time';
        END IF;
    END IF;
    SET NEW.version = OLD.version, NEW.created_at = OLD.created_at, NEW.updated_at = OLD.updated_at;
    IF NOT (NEW.room_id = OLD.room_id AND NEW.user_id = OLD.user_id AND NEW.title <=> OLD.title
            AND NEW.starts_at = OLD.starts_at AND NEW.ends_at = OLD.ends_at AND NEW.state = OLD.state) THEN
        -- Rises also when the clock is set back, or when this statement began before the one that it waited for.
        SET NEW.version = OLD.version + 1,
            NEW.updated_at = GREATEST(UTC_TIMESTAMP(6), OLD.updated_at + INTERVAL 1 MICROSECOND);
    END IF;
END;

-- USER() is the account that typed the statement; the triggers themselves run as the account that made them.
CREATE TRIGGER reservation_after_insert AFTER INSERT ON reservation FOR EACH ROW
BEGIN
    INSERT INTO reservation_event (reservation_id, version, kind, room_id, user_id, title, starts_at, ends_at, state,
                                   created_at, recorded_at, recorded_by, reason, trace_id)
    VALUES (NEW.id, NEW.version, 'created', NEW.room_id, NEW.user_id, NEW.title, NEW.starts_at, NEW.ends_at, NEW.state,
            NEW.created_at, NEW.updated_at, COALESCE(@rr_actor, USER()), @rr_reason, @rr_trace_id);
END;

CREATE TRIGGER reservation_after_update AFTER UPDATE ON reservation FOR EACH ROW
BEGIN
    IF NEW.version <> OLD.version THEN
        INSERT INTO reservation_event (reservation_id, version, kind, room_id, user_id, title, starts_at, ends_at, state,
                                       created_at, recorded_at, recorded_by, reason, trace_id)
        VALUES (NEW.id, NEW.version, IF(OLD.state = 'confirmed' AND NEW.state = 'cancelled', 'cancelled', 'changed'),
                NEW.room_id, NEW.user_id, NEW.title, NEW.starts_at, NEW.ends_at, NEW.state,
                NEW.created_at, NEW.updated_at, COALESCE(@rr_actor, USER()), @rr_reason, @rr_trace_id);
    END IF;
END;

CREATE TRIGGER reservation_after_delete AFTER DELETE ON reservation FOR EACH ROW
BEGIN
    INSERT INTO reservation_event (reservation_id, version, kind, room_id, user_id, title, starts_at, ends_at, state,
                                   created_at, recorded_at, recorded_by, reason, trace_id)
    VALUES (OLD.id, OLD.version + 1, 'deleted', OLD.room_id, OLD.user_id, OLD.title, OLD.starts_at, OLD.ends_at, OLD.state,
            OLD.created_at, GREATEST(UTC_TIMESTAMP(6), OLD.updated_at + INTERVAL 1 MICROSECOND),
            COALESCE(@rr_actor, USER()), @rr_reason, @rr_trace_id);
END;

CREATE TRIGGER reservation_event_before_update BEFORE UPDATE ON reservation_event FOR EACH ROW
BEGIN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the journal is only ever added to';
END;

CREATE TRIGGER reservation_event_before_delete BEFORE DELETE ON reservation_event FOR EACH ROW
BEGIN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the journal is only ever added to';
END;

-- migrate:down

DROP TABLE reservation_event;
DROP TABLE reservation;
