-- Who comes in, and by what: keys that are narrowed and rotated, tokens of identity providers, reviews (T2).

ALTER TABLE watchlist.api_keys
    ADD COLUMN scopes text[] CHECK (scopes <> '{}'),
    ADD COLUMN sandbox boolean NOT NULL DEFAULT false CHECK (NOT sandbox OR role = 'integrator'),
    ADD COLUMN family text,
    ADD COLUMN rotated_from text REFERENCES watchlist.api_keys,
    ADD COLUMN last_used_at timestamptz;
COMMENT ON COLUMN watchlist.api_keys.scopes IS 'null: everything that its role may';
COMMENT ON COLUMN watchlist.api_keys.family IS 'the first key of its rotations; null: itself';
COMMENT ON COLUMN watchlist.api_keys.last_used_at IS 'to about a minute';
-- a key has one successor, however many ask for one at once; another when that was revoked
CREATE UNIQUE INDEX api_keys_one_successor ON watchlist.api_keys (rotated_from) WHERE revoked_at IS NULL;
CREATE INDEX api_keys_family ON watchlist.api_keys (coalesce(family, key_id));
CREATE INDEX api_keys_of ON watchlist.api_keys (operator_id);
GRANT UPDATE (expires_at, last_used_at) ON watchlist.api_keys TO watchlist_service;

-- a rotation brings the end of a key nearer; nothing moves it away
CREATE FUNCTION watchlist.refuse_longer_life() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(NEW.expires_at, 'infinity') > coalesce(OLD.expires_at, 'infinity') THEN
        RAISE EXCEPTION 'a key never lives longer than it was issued for' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keys_end_no_later BEFORE UPDATE OF expires_at ON watchlist.api_keys
    FOR EACH ROW EXECUTE FUNCTION watchlist.refuse_longer_life();

-- who comes with a token: the issuer's name for them is kept as a keyed digest alone
CREATE TABLE watchlist.token_holders (
    holder bytea PRIMARY KEY,
    operator_id uuid NOT NULL REFERENCES watchlist.operators,
    roles text[] NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL
);
COMMENT ON COLUMN watchlist.token_holders.roles IS 'those of the token that was seen last';
CREATE INDEX token_holders_of ON watchlist.token_holders (operator_id);
GRANT SELECT, INSERT, UPDATE (roles, last_used_at) ON watchlist.token_holders TO watchlist_service;

-- T2: who was found to need their rights still, when, and by whom
CREATE TABLE watchlist.habilitation_reviews (
    operator_id uuid NOT NULL REFERENCES watchlist.operators,
    at timestamptz NOT NULL,
    reviewed_by uuid NOT NULL REFERENCES watchlist.operators,
    PRIMARY KEY (operator_id, at)
);
GRANT SELECT, INSERT ON watchlist.habilitation_reviews TO watchlist_service;
