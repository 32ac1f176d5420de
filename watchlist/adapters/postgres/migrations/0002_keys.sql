-- Keys: when each was made, never again once destroyed; look-ups by the generation of the key they were made under.
-- What this does to the schema watchlist_keys, key_migrations/0001_keys.sql makes at once in a store of its own.

ALTER TABLE watchlist_keys.data_keys ADD made_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE watchlist_keys.lookup_keys ALTER wrapped DROP NOT NULL;
COMMENT ON COLUMN watchlist_keys.lookup_keys.wrapped IS 'null: destroyed, and never created again';
GRANT UPDATE (wrapped) ON watchlist_keys.lookup_keys TO watchlist_service;

-- P6: once destroyed, for nobody; and only an owner wraps a key again under another master key
CREATE OR REPLACE FUNCTION watchlist_keys.refuse_revival() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.wrapped IS NOT NULL AND (OLD.wrapped IS NULL OR current_user = 'watchlist_service') THEN
        RAISE EXCEPTION 'a key is only ever destroyed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION watchlist_keys.refuse_replacing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the row of a key stays: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
ALTER TABLE watchlist_keys.data_keys ENABLE ALWAYS TRIGGER keys_are_only_destroyed;
CREATE TRIGGER rows_of_keys_stay BEFORE DELETE OR UPDATE OF owner ON watchlist_keys.data_keys
    FOR EACH ROW EXECUTE FUNCTION watchlist_keys.refuse_replacing();
ALTER TABLE watchlist_keys.data_keys ENABLE ALWAYS TRIGGER rows_of_keys_stay;
CREATE TRIGGER keys_are_only_destroyed BEFORE UPDATE ON watchlist_keys.lookup_keys
    FOR EACH ROW EXECUTE FUNCTION watchlist_keys.refuse_revival();
ALTER TABLE watchlist_keys.lookup_keys ENABLE ALWAYS TRIGGER keys_are_only_destroyed;
CREATE TRIGGER rows_of_keys_stay BEFORE DELETE OR UPDATE OF generation ON watchlist_keys.lookup_keys
    FOR EACH ROW EXECUTE FUNCTION watchlist_keys.refuse_replacing();
ALTER TABLE watchlist_keys.lookup_keys ENABLE ALWAYS TRIGGER rows_of_keys_stay;

-- The generations of the look-up key: kept beside the look-ups, so that both are seen in one snapshot
CREATE TABLE watchlist.lookup_generations (
    generation smallint PRIMARY KEY CHECK (generation > 0),
    state text NOT NULL CHECK (state IN ('arriving', 'current', 'retired', 'destroyed')),
    key_id bytea
);
COMMENT ON COLUMN watchlist.lookup_generations.state IS
    'arriving: written beside the current one; current: asked; retired: its rows go; destroyed: so is its key';
COMMENT ON COLUMN watchlist.lookup_generations.key_id IS 'tells whether a key store is the one of this register';
CREATE UNIQUE INDEX lookup_generations_one ON watchlist.lookup_generations (state)
    WHERE state IN ('arriving', 'current');
GRANT SELECT, INSERT, UPDATE (state, key_id) ON watchlist.lookup_generations TO watchlist_service;
INSERT INTO watchlist.lookup_generations (generation, state)
    SELECT generation, 'current' FROM watchlist_keys.lookup_keys;

ALTER TABLE watchlist.subject_tokens ADD generation smallint NOT NULL DEFAULT 1;
ALTER TABLE watchlist.answerable ADD generation smallint NOT NULL DEFAULT 1;
ALTER TABLE watchlist.stolen_tokens ADD generation smallint NOT NULL DEFAULT 1;
ALTER TABLE watchlist.imported_lines ADD generation smallint NOT NULL DEFAULT 1;
ALTER TABLE watchlist.case_references ADD generation smallint NOT NULL DEFAULT 1;

-- As before, and under the lock: whether the look-ups of a command were made under the generations that are written
-- now (null: the command makes none). In the function, so that no command needs a statement more.
CREATE FUNCTION watchlist.begin_recording(
    lock_key bigint, own_now timestamptz, service_now timestamptz, largest_skew interval, written smallint[]
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF own_now IS NULL AND abs(extract(epoch FROM clock_timestamp() - service_now)) > extract(epoch FROM largest_skew)
    THEN
        RAISE EXCEPTION 'clocks differ' USING ERRCODE = 'check_violation', CONSTRAINT = 'clock_skewed';
    END IF;
    PERFORM pg_advisory_xact_lock(lock_key);
    IF written IS NOT NULL AND written IS DISTINCT FROM (
        SELECT array_agg(g.generation ORDER BY g.generation) FROM watchlist.lookup_generations g
        WHERE g.state IN ('arriving', 'current'))
    THEN
        RAISE EXCEPTION 'look-ups changed' USING ERRCODE = 'unique_violation', CONSTRAINT = 'lookups_changed';
    END IF;
    PERFORM set_config('watchlist.recorded_at', greatest(
        coalesce(own_now, clock_timestamp()),
        (SELECT e.recorded_at + interval '1 microsecond' FROM watchlist.events e
         ORDER BY e.notification_id DESC LIMIT 1))::text, true);
END $$;

-- a process of the version before knows the first generation alone: from the first rotation on it records nothing
CREATE OR REPLACE FUNCTION watchlist.begin_recording(
    lock_key bigint, own_now timestamptz, service_now timestamptz, largest_skew interval
) RETURNS void LANGUAGE sql VOLATILE AS $$
    SELECT watchlist.begin_recording(lock_key, own_now, service_now, largest_skew, '{1}')
$$;
