-- migrate:up

-- command-svc reads the present state alone. Everybody's history is the projector's to read.
REVOKE SELECT ON reservation_event FROM 'rr_command'@'%';

-- migrate:down

GRANT SELECT ON reservation_event TO 'rr_command'@'%';
