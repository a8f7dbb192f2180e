-- migrate:up

-- Links to calendar feeds outlive every generation. A link is signed, not stored: it names a user or a room and the epoch in which it
-- was made, and is good while that is the subject's epoch. Without a row here it is 0.
CREATE TABLE projection.calendar_link (
    subject    text PRIMARY KEY,
    epoch      integer NOT NULL,
    revoked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE projection.calendar_link IS 'whose calendar links have been revoked';
COMMENT ON COLUMN projection.calendar_link.subject IS 'user:<id> or room:<id>';
COMMENT ON COLUMN projection.calendar_link.epoch IS 'raised by each revocation: older links are void';
COMMENT ON COLUMN projection.calendar_link.revoked_at IS 'when the last revocation was';

CREATE TABLE projection.calendar_secret (
    secret bytea NOT NULL CHECK (length(secret) = 32)
);
COMMENT ON TABLE projection.calendar_secret IS 'the key that signs calendar links; another one makes all links void after a restart of query-svc';
COMMENT ON COLUMN projection.calendar_secret.secret IS '32 random bytes';
INSERT INTO projection.calendar_secret
VALUES (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

GRANT SELECT, INSERT, UPDATE ON projection.calendar_link TO rr_query;
GRANT SELECT ON projection.calendar_secret TO rr_query;

-- migrate:down

DROP TABLE projection.calendar_link, projection.calendar_secret;
