-- migrate:up

-- The accounts are made by whoever runs the server, before this. The journal is written by triggers, which run with the rights of
-- the account that made them: no program may write it. Nobody here may DROP: TRUNCATE would fire no trigger.
GRANT SELECT, INSERT, UPDATE ON room TO 'rr_command'@'%';
GRANT SELECT, INSERT, UPDATE ON reservation TO 'rr_command'@'%';
GRANT SELECT ON reservation_event TO 'rr_command'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_key TO 'rr_command'@'%';

GRANT SELECT ON room TO 'rr_projector'@'%';
GRANT SELECT ON reservation TO 'rr_projector'@'%';
GRANT SELECT ON reservation_event TO 'rr_projector'@'%';
GRANT SELECT ON pulse TO 'rr_projector'@'%';

-- migrate:down

REVOKE SELECT, INSERT, UPDATE ON room FROM 'rr_command'@'%';
REVOKE SELECT, INSERT, UPDATE ON reservation FROM 'rr_command'@'%';
REVOKE SELECT ON reservation_event FROM 'rr_command'@'%';
REVOKE SELECT, INSERT, UPDATE, DELETE ON idempotency_key FROM 'rr_command'@'%';

REVOKE SELECT ON room FROM 'rr_projector'@'%';
REVOKE SELECT ON reservation FROM 'rr_projector'@'%';
REVOKE SELECT ON reservation_event FROM 'rr_projector'@'%';
REVOKE SELECT ON pulse FROM 'rr_projector'@'%';
