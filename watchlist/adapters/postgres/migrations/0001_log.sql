-- The log, the vault, the operators and the pictures (T4: events are immutable for everyone).

DO $$ BEGIN
    CREATE ROLE watchlist_service NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$ BEGIN
    -- whoever migrates can become the service; an outside login is granted the role by its administrator
    EXECUTE format('GRANT watchlist_service TO %I', current_user);
EXCEPTION WHEN insufficient_privilege OR duplicate_object OR unique_violation OR invalid_grant_operation THEN NULL;
END $$;

CREATE SCHEMA watchlist;
CREATE SCHEMA watchlist_keys;
GRANT USAGE ON SCHEMA watchlist, watchlist_keys TO watchlist_service;

-- the one ordered log; columns and names are the eventsourcing library's, recorded_at is ours
CREATE TABLE watchlist.events (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    notification_id bigint GENERATED ALWAYS AS IDENTITY,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
);
CREATE UNIQUE INDEX events_position ON watchlist.events (notification_id) INCLUDE (recorded_at);
GRANT SELECT, INSERT ON watchlist.events TO watchlist_service;

CREATE FUNCTION watchlist.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are immutable: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER events_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON watchlist.events
    FOR EACH STATEMENT EXECUTE FUNCTION watchlist.refuse_change();
ALTER TABLE watchlist.events ENABLE ALWAYS TRIGGER events_are_immutable;

-- Called first by every transaction that records, before any row: positions commit in order, and no two
-- commands deadlock. The stamp is strictly later than its predecessor's, which is seen because the statement
-- inside begins after the lock was granted; a test's clock may give its own. The rest of the transaction reads
-- it from recorded_at(), so that everything travels in one round trip.
CREATE FUNCTION watchlist.begin_recording(
    lock_key bigint, own_now timestamptz, service_now timestamptz, largest_skew interval
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF own_now IS NULL AND abs(extract(epoch FROM clock_timestamp() - service_now)) > extract(epoch FROM largest_skew)
    THEN
        RAISE EXCEPTION 'clocks differ' USING ERRCODE = 'check_violation', CONSTRAINT = 'clock_skewed';
    END IF;
    PERFORM pg_advisory_xact_lock(lock_key);
    PERFORM set_config('watchlist.recorded_at', greatest(
        coalesce(own_now, clock_timestamp()),
        (SELECT e.recorded_at + interval '1 microsecond' FROM watchlist.events e
         ORDER BY e.notification_id DESC LIMIT 1))::text, true);
END $$;
CREATE FUNCTION watchlist.recorded_at() RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT current_setting('watchlist.recorded_at')::timestamptz $$;

-- what was decided on and is not written itself: under the lock, whether it is still as it was
CREATE FUNCTION watchlist.require_unchanged(streams uuid[], versions bigint[]) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF EXISTS (SELECT FROM unnest(streams, versions) AS was (stream, version)
               JOIN watchlist.events e ON e.originator_id = was.stream AND e.originator_version = was.version + 1) THEN
        RAISE EXCEPTION 'changed meanwhile' USING ERRCODE = 'unique_violation', CONSTRAINT = 'changed_meanwhile';
    END IF;
END $$;

-- one row per command, in its events' transaction: what turns a retry into the same answer
CREATE TABLE watchlist.commands (
    command_id uuid PRIMARY KEY,
    mac bytea NOT NULL,
    answer bytea NOT NULL,
    position bigint NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX commands_age ON watchlist.commands USING brin (recorded_at);
GRANT SELECT, INSERT, DELETE ON watchlist.commands TO watchlist_service;

-- personal values, each under its owner's key; a row is never changed, only forgotten
CREATE TABLE watchlist.vault (
    ref uuid PRIMARY KEY,
    owner uuid NOT NULL,
    field text NOT NULL,
    ciphertext bytea NOT NULL
);
CREATE INDEX vault_owner ON watchlist.vault (owner);
GRANT SELECT, INSERT, DELETE ON watchlist.vault TO watchlist_service;

CREATE TABLE watchlist_keys.data_keys (
    owner uuid PRIMARY KEY,
    wrapped bytea
);
COMMENT ON COLUMN watchlist_keys.data_keys.wrapped IS 'null: destroyed, and never created again';
GRANT SELECT, INSERT, UPDATE (wrapped) ON watchlist_keys.data_keys TO watchlist_service;
CREATE FUNCTION watchlist_keys.refuse_revival() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.wrapped IS NOT NULL AND current_user = 'watchlist_service' THEN
        RAISE EXCEPTION 'a key is only ever destroyed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keys_are_only_destroyed BEFORE UPDATE ON watchlist_keys.data_keys
    FOR EACH ROW EXECUTE FUNCTION watchlist_keys.refuse_revival();

CREATE TABLE watchlist_keys.lookup_keys (
    generation integer PRIMARY KEY,
    wrapped bytea NOT NULL
);
GRANT SELECT, INSERT ON watchlist_keys.lookup_keys TO watchlist_service;

CREATE TABLE watchlist.organisations (
    code text PRIMARY KEY CHECK (code ~ '^[A-Z0-9][A-Z0-9_-]{0,31}$')
);
CREATE TABLE watchlist.operators (
    operator_id uuid PRIMARY KEY,
    organisation text NOT NULL REFERENCES watchlist.organisations,
    name text NOT NULL,
    person text NOT NULL,
    left_at timestamptz,
    UNIQUE (organisation, person)
);
COMMENT ON COLUMN watchlist.operators.person IS 'the name without its case and its spelling of accents: one person is one (L5)';
CREATE TABLE watchlist.api_keys (
    key_id text PRIMARY KEY,
    operator_id uuid NOT NULL REFERENCES watchlist.operators,
    role text NOT NULL,
    secret_sha256 bytea NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);
GRANT SELECT, INSERT ON watchlist.organisations TO watchlist_service;
GRANT SELECT, INSERT, UPDATE (left_at) ON watchlist.operators TO watchlist_service;
GRANT SELECT, INSERT, UPDATE (revoked_at) ON watchlist.api_keys TO watchlist_service;

-- who left does not come back, and a key that was revoked opens nothing again
CREATE FUNCTION watchlist.refuse_return() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (to_jsonb(OLD) ->> TG_ARGV[0]) IS NOT NULL THEN
        RAISE EXCEPTION '% is final', TG_ARGV[0] USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER leaving_is_final BEFORE UPDATE ON watchlist.operators
    FOR EACH ROW EXECUTE FUNCTION watchlist.refuse_return('left_at');
CREATE TRIGGER revocation_is_final BEFORE UPDATE ON watchlist.api_keys
    FOR EACH ROW EXECUTE FUNCTION watchlist.refuse_return('revoked_at');

-- Pictures: painted in the transaction that records the event, derivable again from the log and the vault

CREATE TABLE watchlist.subjects (
    subject_id uuid PRIMARY KEY,
    organisation text NOT NULL,
    kind text NOT NULL,
    role text NOT NULL,
    identified boolean NOT NULL,
    deceased boolean NOT NULL,
    merged_into uuid,
    registered_at timestamptz NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX subjects_stand_for ON watchlist.subjects ((coalesce(merged_into, subject_id)));

-- the registry's look-ups: registering, search, import
CREATE TABLE watchlist.subject_tokens (
    digest bytea NOT NULL,
    subject_id uuid NOT NULL,
    organisation text NOT NULL,
    given bytea,
    answers boolean NOT NULL,
    PRIMARY KEY (digest, subject_id)
);
COMMENT ON COLUMN watchlist.subject_tokens.given IS 'one keyed digest of 16 bytes per given name, sorted, joined';
COMMENT ON COLUMN watchlist.subject_tokens.answers IS 'whether it becomes answerable when the subject is listed (S3)';
-- two registrations of one person at once: under the lock, the second sees the first and decides again
CREATE FUNCTION watchlist.require_unknown(digests bytea[], organisation_code text) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF EXISTS (SELECT FROM watchlist.subject_tokens t
               WHERE t.digest = ANY(digests) AND t.organisation = organisation_code) THEN
        RAISE EXCEPTION 'known meanwhile' USING ERRCODE = 'unique_violation', CONSTRAINT = 'known_meanwhile';
    END IF;
END $$;
CREATE INDEX subject_tokens_of ON watchlist.subject_tokens (subject_id);

CREATE TABLE watchlist.cases (
    case_id uuid PRIMARY KEY,
    organisation text NOT NULL,
    state text NOT NULL,
    source text,
    raised_on date,
    import_id uuid,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    last_active_at timestamptz NOT NULL,
    alert_ends_at timestamptz,
    inactive_at timestamptz,
    data_end_at timestamptz,
    subject_ids uuid[] NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX cases_of ON watchlist.cases (organisation, case_id);
CREATE INDEX cases_about ON watchlist.cases USING gin (subject_ids);
CREATE INDEX cases_over ON watchlist.cases (last_active_at) WHERE state IN ('dismissed', 'lapsed');
CREATE INDEX cases_alerts ON watchlist.cases (alert_ends_at) WHERE alert_ends_at IS NOT NULL;

CREATE TABLE watchlist.inscriptions (
    inscription_id uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    organisation text NOT NULL,
    state text NOT NULL,
    grounds text[] NOT NULL,
    term_months integer NOT NULL,
    proposed_at timestamptz NOT NULL,
    proposed_by uuid NOT NULL,
    import_id uuid,
    inscribed_at timestamptz,
    inscribed_on date,
    last_listed_day date,
    listed_until timestamptz,
    ends_at timestamptz,
    held_by uuid[] NOT NULL,
    restricted boolean NOT NULL,
    letter_due_at timestamptz,
    delisted_at timestamptz,
    delisting_ground text
);
COMMENT ON COLUMN watchlist.inscriptions.ends_at IS 'L1: the instant from which the entry is not answered; year 9999 while held';
-- L8, once more, in the database
CREATE UNIQUE INDEX inscriptions_one_open ON watchlist.inscriptions (case_id, subject_id)
    WHERE state IN ('proposed', 'active');
CREATE INDEX inscriptions_due ON watchlist.inscriptions (ends_at) WHERE state = 'active';
CREATE INDEX inscriptions_of ON watchlist.inscriptions (organisation, state, inscription_id);
CREATE INDEX inscriptions_about ON watchlist.inscriptions (subject_id);
CREATE INDEX inscriptions_imported ON watchlist.inscriptions (import_id, inscription_id)
    WHERE state = 'proposed' AND import_id IS NOT NULL;

-- every standing an entry ever had: what was known from recorded_from until recorded_until
CREATE TABLE watchlist.inscription_history (
    inscription_id uuid NOT NULL,
    recorded_from timestamptz NOT NULL,
    recorded_until timestamptz NOT NULL,
    case_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    organisation text NOT NULL,
    inscribed_at timestamptz NOT NULL,
    inscribed_on date NOT NULL,
    term_months integer NOT NULL,
    last_listed_day date NOT NULL,
    listed_until timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    held_by uuid[] NOT NULL,
    restricted boolean NOT NULL,
    PRIMARY KEY (inscription_id, recorded_from)
);
CREATE INDEX inscription_history_of ON watchlist.inscription_history (organisation, inscription_id);

-- what screening reads, and only that: tokens of the entries that are answered now
CREATE TABLE watchlist.answerable (
    digest bytea NOT NULL,
    inscription_id uuid NOT NULL,
    given bytea,
    answers_until timestamptz NOT NULL
);
-- merged subjects may share a name and birth date and differ in their given names: each answers
CREATE UNIQUE INDEX answerable_once ON watchlist.answerable (digest, inscription_id, coalesce(given, ''));
CREATE INDEX answerable_of ON watchlist.answerable (inscription_id);

-- L10: identifiers recorded as stolen are no key to that case's entries
CREATE TABLE watchlist.stolen_tokens (
    case_id uuid NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (case_id, digest)
);

-- L7: what was imported once is not imported again
CREATE TABLE watchlist.imported_lines (
    fingerprint bytea PRIMARY KEY,
    inscription_id uuid NOT NULL
);
CREATE TABLE watchlist.case_references (
    digest bytea PRIMARY KEY,
    case_id uuid NOT NULL
);
CREATE TABLE watchlist.imports (
    import_id uuid PRIMARY KEY,
    organisation text NOT NULL,
    submitted_at timestamptz NOT NULL,
    submitted_by uuid NOT NULL,
    accepted integer NOT NULL,
    refused integer NOT NULL,
    approved_by uuid
);

GRANT SELECT, INSERT, UPDATE, DELETE ON
    watchlist.subjects, watchlist.subject_tokens, watchlist.cases, watchlist.inscriptions,
    watchlist.inscription_history, watchlist.answerable, watchlist.stolen_tokens,
    watchlist.imported_lines, watchlist.case_references, watchlist.imports
TO watchlist_service;

-- everything that falls due, of a case or of an entry (C1, C2, C7, L1, L12)
CREATE VIEW watchlist.deadlines AS
    SELECT 'alert_purge' AS kind, organisation, alert_ends_at AS due_at, case_id, NULL::uuid AS inscription_id,
           NULL::uuid AS subject_id, '{}'::uuid[] AS held_by
    FROM watchlist.cases WHERE alert_ends_at IS NOT NULL
UNION ALL
    SELECT 'case_inactive', organisation, inactive_at, case_id, NULL, NULL, '{}'
    FROM watchlist.cases WHERE inactive_at IS NOT NULL
UNION ALL
    SELECT 'case_purge', organisation, data_end_at, case_id, NULL, NULL, '{}'
    FROM watchlist.cases WHERE data_end_at IS NOT NULL
UNION ALL
    SELECT 'delisting', organisation, listed_until, case_id, inscription_id, subject_id, held_by
    FROM watchlist.inscriptions WHERE state = 'active'
UNION ALL
    SELECT 'letter', organisation, letter_due_at, case_id, inscription_id, subject_id, '{}'
    FROM watchlist.inscriptions WHERE state = 'active' AND letter_due_at IS NOT NULL
UNION ALL
    SELECT 'death_review', i.organisation, i.inscribed_at, i.case_id, i.inscription_id, i.subject_id, '{}'
    FROM watchlist.inscriptions i JOIN watchlist.subjects s USING (subject_id)
    WHERE i.state = 'active' AND s.deceased;
GRANT SELECT ON watchlist.deadlines TO watchlist_service;
