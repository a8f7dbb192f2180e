-- migrate:up

CREATE TABLE pulse (
    id   TINYINT NOT NULL COMMENT 'always 1',
    beat DATETIME(6) NOT NULL COMMENT 'UTC; when the server beat last',
    PRIMARY KEY (id),
    CONSTRAINT pulse_is_one_row CHECK (id = 1)
) COMMENT = 'changes every second: whoever has read a beat has read everything committed before it';

INSERT INTO pulse (id, beat) VALUES (1, UTC_TIMESTAMP(6));

-- In the server, not in a program: it beats while no program runs, and its commit time is the server's.
CREATE EVENT pulse ON SCHEDULE EVERY 1 SECOND
    COMMENT 'freshness of the read model while nobody books'
    DO UPDATE pulse SET beat = UTC_TIMESTAMP(6) WHERE id = 1;

-- migrate:down

DROP EVENT pulse;
DROP TABLE pulse;
