-- Fills a new generation of the read model and prints its number: :reservations bookings of one hour in :rooms rooms, evenly over :days days from
-- 2026-01-01 on, a hundred for each user, one in ten cancelled; all ids and user names count from 1. The same each time. psql sets the variables.
SET synchronous_commit = off;
SET maintenance_work_mem = '512MB';
SET work_mem = '256MB';
SET client_min_messages = warning;
SELECT 'g' || projection.create_generation('bench', 0, NULL) AS schema \gset
SET search_path = :schema;

-- Indexes are made when the rows are there.
CREATE TEMPORARY TABLE later AS
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
 WHERE c.relnamespace = :'schema'::regnamespace AND NOT i.indisprimary;
SELECT 'DROP INDEX ' || name FROM later \gexec

INSERT INTO room SELECT r, 'Room ' || r, 'Floor ' || r % 9, 2 + r % 20, true, 1, '2025-01-01Z', '2025-01-01Z' FROM generate_series(1, :rooms) r;

-- A room's hours are booked in a scattered order (7919 shares no factor with the number of hours), so that its days fill evenly.
INSERT INTO reservation (id, room_id, room_name, room_location, user_id, title, starts_at, ends_at, state, version, deleted, created_at, updated_at)
SELECT ('019b0000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, room, 'Room ' || room, 'Floor ' || room % 9,
       (n * 2654435761 % (:reservations / 100) + 1)::text, 'Meeting ' || n, begins, begins + interval '1 hour',
       CASE WHEN (n / :rooms + n) % 10 = 7 THEN 'cancelled' ELSE 'confirmed' END, 1, false,
       begins - interval '30 days', begins - interval '30 days'
  FROM (SELECT n, n % :rooms + 1 AS room, timestamptz '2026-01-01Z' + (n / :rooms * 7919 + n % :rooms * 131) % (:days * 24) * interval '1 hour' AS begins
          FROM generate_series(1, :reservations::bigint) n) t;

INSERT INTO reservation_history (reservation_id, version, kind, recorded_at, recorded_by, changes, room_id, user_id, title, starts_at, ends_at, state)
SELECT id, 1, 'created', created_at, user_id, '{}', room_id, user_id, title, starts_at, ends_at, state FROM reservation;

-- The quarter-hours of half a day, by the set of its hours that are booked.
CREATE TEMPORARY TABLE half AS
SELECT hours, array_agg(((hours >> q / 4) & 1 * (q % 4 = 0)::integer)::smallint ORDER BY q) AS starts,
       array_agg((15 * ((hours >> q / 4) & 1))::smallint ORDER BY q) AS minutes
  FROM generate_series(0, 4095) hours, generate_series(0, 47) q GROUP BY hours;

INSERT INTO room_day (room_id, day, reservations, reserved_minutes, starts, minutes)
SELECT room_id, day, n, 60 * n, a.starts || b.starts, a.minutes || b.minutes
  FROM (SELECT room_id, starts_at::date AS day, count(*)::integer AS n, bit_or(1 << extract(hour FROM starts_at)::integer) AS hours
          FROM reservation WHERE state = 'confirmed' GROUP BY 1, 2) d
  JOIN half a ON a.hours = d.hours & 4095 JOIN half b ON b.hours = d.hours >> 12
 ORDER BY day, room_id;

INSERT INTO total_day (day, reservations, reserved_minutes, starts, minutes)
SELECT day, sum(n) FILTER (WHERE q % 4 = 0), 15 * sum(n),
       array_agg(CASE WHEN q % 4 = 0 THEN n ELSE 0 END ORDER BY q), array_agg(15 * n ORDER BY q)
  FROM (SELECT d.day, q, coalesce(used.n, 0)::integer AS n
          FROM (SELECT DISTINCT day FROM room_day) d CROSS JOIN generate_series(0, 95) q
          LEFT JOIN (SELECT starts_at::date AS day, extract(hour FROM starts_at)::integer AS hour, count(*) AS n
                       FROM reservation WHERE state = 'confirmed' GROUP BY 1, 2) used ON used.day = d.day AND used.hour = q / 4) t
 GROUP BY day;

SELECT definition FROM later \gexec
SELECT substr(:'schema', 2)::integer AS generation \gset
UPDATE projection.position SET as_of = now(), applied_at = now() WHERE generation = :generation;
SELECT projection.count_months(:generation) \g /dev/null
VACUUM ANALYZE room, reservation, reservation_history, room_day, room_month, total_day;
CHECKPOINT;
\echo :generation
