-- The keys in a store of their own: what migrations 0001 and 0002 of the register make of the schema watchlist_keys.

DO $$ BEGIN
    CREATE ROLE watchlist_service NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$ BEGIN
    -- whoever migrates can become the service; an outside login is granted the role by its administrator
    EXECUTE format('GRANT watchlist_service TO %I', current_user);
EXCEPTION WHEN insufficient_privilege OR duplicate_object OR unique_violation OR invalid_grant_operation THEN NULL;
END $$;

CREATE SCHEMA watchlist_keys;
GRANT USAGE ON SCHEMA watchlist_keys TO watchlist_service;

CREATE TABLE watchlist_keys.data_keys (
    owner uuid PRIMARY KEY,
    wrapped bytea,
    made_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN watchlist_keys.data_keys.wrapped IS 'null: destroyed, and never created again';
GRANT SELECT, INSERT, UPDATE (wrapped) ON watchlist_keys.data_keys TO watchlist_service;

CREATE TABLE watchlist_keys.lookup_keys (
    generation integer PRIMARY KEY,
    wrapped bytea
);
COMMENT ON COLUMN watchlist_keys.lookup_keys.wrapped IS 'null: destroyed, and never created again';
GRANT SELECT, INSERT, UPDATE (wrapped) ON watchlist_keys.lookup_keys TO watchlist_service;

-- P6: once destroyed, for nobody; and only an owner wraps a key again under another master key
CREATE FUNCTION watchlist_keys.refuse_revival() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER keys_are_only_destroyed BEFORE UPDATE ON watchlist_keys.data_keys
    FOR EACH ROW EXECUTE FUNCTION watchlist_keys.refuse_revival();
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
