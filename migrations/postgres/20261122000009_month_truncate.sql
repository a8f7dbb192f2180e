-- migrate:up

-- Row triggers and transition tables do not see a TRUNCATE: the months of a generation whose days were emptied so kept their sums.
CREATE FUNCTION projection.empty_months() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DELETE FROM %I.room_month', TG_TABLE_SCHEMA);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION projection.empty_months IS 'keeps room_month true when room_day of its generation is truncated';

ALTER FUNCTION projection.count_months(integer) RENAME TO make_months;
COMMENT ON FUNCTION projection.make_months IS 'a part of count_months(): the table, its rows, and the triggers for each way to write a day';

CREATE FUNCTION projection.count_months(p_generation integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    days text := format('%I.room_day', 'g' || p_generation);
BEGIN
    PERFORM projection.make_months(p_generation);
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = days::regclass AND tgname = 'count_truncated') THEN
        EXECUTE format('CREATE TRIGGER count_truncated AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION projection.empty_months()', days);
    END IF;
END $$;
COMMENT ON FUNCTION projection.count_months IS
    'makes room_month of a generation and fills it, once; best when room_day has been filled, at the latest when the generation begins to serve';

-- Where there are months already, by the role that owns them.
DO $$
DECLARE
    g record;
BEGIN
    FOR g IN SELECT generation, n.nspowner::regrole::text AS owner
               FROM projection.generation JOIN pg_namespace n ON n.nspname = 'g' || generation
              WHERE to_regclass(format('%I.room_month', n.nspname)) IS NOT NULL LOOP
        EXECUTE format('SET LOCAL ROLE %s', g.owner);
        PERFORM projection.count_months(g.generation);
        RESET ROLE;
    END LOOP;
END $$;

-- migrate:down

DROP FUNCTION projection.empty_months() CASCADE;
DROP FUNCTION projection.count_months(integer);
ALTER FUNCTION projection.make_months(integer) RENAME TO count_months;
COMMENT ON FUNCTION projection.count_months IS
    'makes room_month of a generation and fills it, once; best when room_day has been filled, at the latest when the generation begins to serve';
