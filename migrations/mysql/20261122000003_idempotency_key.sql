-- migrate:up

CREATE TABLE idempotency_key (
    user_id     VARCHAR(128) NOT NULL COMMENT 'whose key: two users may use the same text',
    idem_key    VARCHAR(255) NOT NULL COMMENT 'the Idempotency-Key as the client sent it, without quotes',
    fingerprint BINARY(16) NOT NULL COMMENT 'hash of method, path, If-Match and body: tells a repeat from another request',
    status      SMALLINT UNSIGNED NULL COMMENT 'HTTP status of the first answer; NULL only inside the transaction that claims the key',
    headers     VARCHAR(1000) NOT NULL DEFAULT '' COMMENT 'headers of the first answer, a line each',
    body        TEXT NULL COMMENT 'body of the first answer; NULL like status',
    expires_at  DATETIME(6) NOT NULL COMMENT 'UTC; from then on the row may be removed; it counts until it is',
    PRIMARY KEY (user_id, idem_key),
    KEY by_expiry (expires_at)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin COMMENT = 'first answers, for repeated requests';

-- migrate:down

DROP TABLE idempotency_key;
