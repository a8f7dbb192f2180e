-- migrate:up

-- Texts compare byte by byte, so that a change of case is a change; only the name's uniqueness ignores case.
CREATE TABLE room (
    id          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT COMMENT 'never changes and never goes: reservations and the journal name it',
    name        VARCHAR(200) COLLATE utf8mb4_0900_as_ci NOT NULL COMMENT 'unique; ANNEX and Annex are the same name, Café and Cafe are not',
    location    VARCHAR(200) NULL COMMENT 'where to find it, in words',
    capacity    INT UNSIGNED NOT NULL COMMENT 'how many people it holds',
    active      BOOLEAN NOT NULL DEFAULT TRUE COMMENT '0: retired, keeps its reservations and takes no new ones',
    version     INT UNSIGNED NOT NULL DEFAULT 1 COMMENT '1, 2, 3 …, raised by a trigger with every change',
    created_at  DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)) COMMENT 'UTC; the trigger''s',
    updated_at  DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)) COMMENT 'UTC; the trigger''s; rises with the version',
    PRIMARY KEY (id),
    UNIQUE KEY room_name (name),
    CONSTRAINT room_name_is_text CHECK (name <> '' AND NOT REGEXP_LIKE(name, '[[:cntrl:]]')),
    CONSTRAINT room_location_is_text CHECK (location <> '' AND NOT REGEXP_LIKE(location, '[[:cntrl:]]')),
    CONSTRAINT room_capacity_is_positive CHECK (capacity BETWEEN 1 AND 100000)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin COMMENT = 'what can be reserved';

CREATE TRIGGER room_before_insert BEFORE INSERT ON room FOR EACH ROW
BEGIN
    SET NEW.version = 1, NEW.created_at = UTC_TIMESTAMP(6), NEW.updated_at = NEW.created_at;
END;

-- updated_at rises with the version also when the clock is set back, or when a statement began before the one that
-- it had to wait for: UTC_TIMESTAMP() is the time when the statement began.
CREATE TRIGGER room_before_update BEFORE UPDATE ON room FOR EACH ROW
BEGIN
    IF NEW.id <> OLD.id THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the id of a room never changes';
    END IF;
    SET NEW.version = OLD.version, NEW.created_at = OLD.created_at, NEW.updated_at = OLD.updated_at;
    IF NOT (CAST(NEW.name AS BINARY) = CAST(OLD.name AS BINARY) AND NEW.location <=> OLD.location
            AND NEW.capacity = OLD.capacity AND NEW.active = OLD.active) THEN
        SET NEW.version = OLD.version + 1,
            NEW.updated_at = GREATEST(UTC_TIMESTAMP(6), OLD.updated_at + INTERVAL 1 MICROSECOND);
    END IF;
END;

CREATE TRIGGER room_before_delete BEFORE DELETE ON room FOR EACH ROW
BEGIN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a room is never deleted; retire it: SET active = 0';
END;

-- migrate:down

DROP TABLE room;
