-- Who asked and who was told (T1, S6, S8). Apart from the log of events: these rows are for twelve months, or for as
-- long as what they are about, and no rule is decided from them.

-- T1: one row per request that touched personal data or screened, by month; months are dropped whole
CREATE TABLE watchlist.accesses (
    at timestamptz NOT NULL,
    access_id uuid NOT NULL,
    operation text NOT NULL,
    operator_id uuid NOT NULL,
    organisation text NOT NULL,
    role text NOT NULL,
    key_id text,
    request_id text NOT NULL,
    reference text,
    purpose text,
    screening_id uuid,
    asked integer NOT NULL,
    hits integer NOT NULL,
    subject_ids uuid[] NOT NULL,
    PRIMARY KEY (at, access_id)
) PARTITION BY RANGE (at);
COMMENT ON COLUMN watchlist.accesses.key_id IS 'null: a token of an identity provider';
COMMENT ON COLUMN watchlist.accesses.asked IS 'how many subjects a screening asked for; never which';
COMMENT ON COLUMN watchlist.accesses.subject_ids IS 'hit or opened; never what was searched for in vain';
CREATE TABLE watchlist.accesses_unsorted PARTITION OF watchlist.accesses DEFAULT;
CREATE INDEX accesses_about ON watchlist.accesses USING gin (subject_ids) WHERE subject_ids <> '{}';
CREATE INDEX accesses_of ON watchlist.accesses (organisation, at, access_id);
GRANT SELECT, INSERT ON watchlist.accesses TO watchlist_service;

-- S8: what was told of a subject, to whom; it is never changed, and after an erasure says nothing of a person
CREATE TABLE watchlist.disclosures (
    disclosure_id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('hit', 'detail', 'by_hand')),
    recipient text NOT NULL,
    organisation text,
    owner text NOT NULL,
    operator_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    case_id uuid,
    inscription_id uuid,
    screening_id uuid,
    purpose text,
    told_on date,
    told_ref uuid,
    told_commitment bytea
);
COMMENT ON COLUMN watchlist.disclosures.recipient IS 'the category of the recipient (S8)';
COMMENT ON COLUMN watchlist.disclosures.organisation IS 'whom a hit was told; null: somebody outside';
COMMENT ON COLUMN watchlist.disclosures.purpose IS 'of the screening that a hit was told in';
COMMENT ON COLUMN watchlist.disclosures.owner IS 'whose entry or subject it is';
COMMENT ON COLUMN watchlist.disclosures.told_on IS 'of a communication made by hand: the day; `at` is when it was recorded';
COMMENT ON COLUMN watchlist.disclosures.told_ref IS 'in the vault, under the subject''s key: what was told, on which legal basis, to whom by name';
CREATE INDEX disclosures_of ON watchlist.disclosures (owner, disclosure_id);
CREATE INDEX disclosures_about ON watchlist.disclosures (subject_id);
CREATE INDEX disclosures_entry ON watchlist.disclosures (inscription_id, at) WHERE kind = 'hit';
GRANT SELECT, INSERT ON watchlist.disclosures TO watchlist_service;

-- L12: a hit that was told before the person was, and before that was deferred; the letter is late from then on
ALTER TABLE watchlist.letters ADD COLUMN hit_told_at timestamptz;
COMMENT ON COLUMN watchlist.letters.hit_told_at IS 'when the first hit on the entry was told, if the letter was then neither sent nor deferred; no picture: it is written with the hit';
CREATE INDEX letters_untold ON watchlist.letters (inscription_id)
    WHERE kind = 'inscription' AND due_at IS NOT NULL AND deferred_to IS NULL AND hit_told_at IS NULL;
CREATE FUNCTION watchlist.letter_late_from(due_at timestamptz, deferred_to date, hit_told_at timestamptz)
RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN due_at IS NULL THEN NULL WHEN deferred_to IS NULL THEN least(due_at, hit_told_at) ELSE due_at END
$$;
COMMENT ON FUNCTION watchlist.letter_late_from IS 'L12, the same that the rule says (domain/correspondence.py)';
GRANT UPDATE (hit_told_at) ON watchlist.letters TO watchlist_service;
CREATE OR REPLACE VIEW watchlist.due_letter AS
    SELECT 'letter' AS kind, l.organisation, watchlist.letter_late_from(l.due_at, l.deferred_to, l.hit_told_at) AS due_at,
           l.letter_id AS id, l.case_id, l.inscription_id, l.subject_id, '{}'::uuid[] AS held_by
    FROM watchlist.letters l WHERE l.due_at IS NOT NULL AND l.kind = 'inscription'
      AND NOT EXISTS (SELECT FROM watchlist.subjects s WHERE s.subject_id = l.subject_id AND s.erasing);
CREATE INDEX letters_late_from ON watchlist.letters (
    watchlist.letter_late_from(due_at, deferred_to, hit_told_at), letter_id) WHERE due_at IS NOT NULL;

-- S8: what it takes to tell that a hit does not stand any more: the asker's own reference, and the keyed question
CREATE TABLE watchlist.hits (
    screening_id uuid NOT NULL,
    key text NOT NULL,
    inscription_id uuid NOT NULL,
    disclosure_id uuid NOT NULL,
    organisation text NOT NULL,
    at timestamptz NOT NULL,
    digests bytea[] NOT NULL,
    given bytea[] NOT NULL,
    generation smallint NOT NULL,
    question bytea NOT NULL,
    stands boolean NOT NULL,
    PRIMARY KEY (screening_id, key, inscription_id)
);
COMMENT ON COLUMN watchlist.hits.generation IS 'of the look-up key its digests were made under';
COMMENT ON COLUMN watchlist.hits.question IS 'the question under the key that does not rotate: what a review of it remembers (S7)';
COMMENT ON COLUMN watchlist.hits.stands IS 'whether its asker was last told that it hits';
CREATE INDEX hits_on ON watchlist.hits (inscription_id);
GRANT SELECT, INSERT, UPDATE (stands), DELETE ON watchlist.hits TO watchlist_service;

-- S8: what each organisation is told of its hits, numbered one by one under the write lock
CREATE TABLE watchlist.changes (
    organisation text NOT NULL,
    sequence bigint NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('stopped', 'resumed')),
    screening_id uuid NOT NULL,
    key text NOT NULL,
    inscription_id uuid NOT NULL,
    PRIMARY KEY (organisation, sequence)
);
CREATE INDEX changes_since ON watchlist.changes (screening_id);
COMMENT ON COLUMN watchlist.changes.sequence IS 'of its organisation: gaps would tell how much others are told';
COMMENT ON COLUMN watchlist.changes.inscription_id IS 'for the order per entry; never told';
GRANT SELECT, INSERT, DELETE ON watchlist.changes TO watchlist_service;
CREATE TABLE watchlist.change_acknowledgements (
    organisation text NOT NULL,
    sequence bigint NOT NULL,
    at timestamptz NOT NULL,
    operator_id uuid NOT NULL,
    PRIMARY KEY (organisation, sequence)
);
GRANT SELECT, INSERT, DELETE ON watchlist.change_acknowledgements TO watchlist_service;

-- S7: what a person found when they reviewed a hit, and the pairs that are not asked about again
CREATE TABLE watchlist.reviews (
    review_id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    organisation text NOT NULL,
    operator_id uuid NOT NULL,
    screening_id uuid NOT NULL,
    key text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('confirmed', 'homonym', 'not_concerned'))
);
CREATE INDEX reviews_of ON watchlist.reviews (organisation, screening_id, key);
GRANT SELECT, INSERT ON watchlist.reviews TO watchlist_service;
CREATE TABLE watchlist.homonyms (
    organisation text NOT NULL,
    question bytea NOT NULL,
    inscription_id uuid NOT NULL,
    review_id uuid NOT NULL,
    PRIMARY KEY (inscription_id, organisation, question)
);
GRANT SELECT, INSERT, DELETE ON watchlist.homonyms TO watchlist_service;

-- S8: whether an entry answers a question that was asked under a generation of the look-up key. Of a generation that
-- is not held any more nothing can be compared: there it counts whether the entry answers at all.
CREATE FUNCTION watchlist.given_names_agree(known bytea, asked bytea[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN known IS NULL THEN true WHEN known = '' OR asked = '{}' THEN false
           ELSE (SELECT k <@ asked OR asked <@ k FROM (
                    SELECT array_agg(substr(known, at, 16)) AS k FROM generate_series(1, length(known), 16) AS at) apart)
           END
$$;
COMMENT ON FUNCTION watchlist.given_names_agree IS 'S3, as the domain compares them: known is joined, null for an exact identifier';
CREATE FUNCTION watchlist.answers_to(
    entry uuid, asked bytea[], asked_given bytea[], asked_under smallint, asked_at timestamptz
) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM watchlist.answerable x
        WHERE x.inscription_id = entry AND x.answers_until > asked_at
          AND (x.digest = ANY(asked) AND watchlist.given_names_agree(x.given, asked_given)
               OR NOT EXISTS (SELECT FROM watchlist.lookup_generations g
                              WHERE g.generation = asked_under AND g.state IN ('current', 'arriving'))))
$$;

-- T1: who was looked at by whoever opened sealed values of these owners, cases among them
CREATE FUNCTION watchlist.subjects_of(seen uuid[], owners uuid[]) RETURNS uuid[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(
        SELECT unnest(seen)
        UNION SELECT subject_id FROM watchlist.subjects WHERE subject_id = ANY(owners)
        UNION SELECT unnest(subject_ids || victim_ids) FROM watchlist.cases WHERE case_id = ANY(owners))
$$;

-- Months are made ahead and dropped whole by the owner's functions: the service defines no table. Their bounds are in
-- UTC. What belongs to no month that was made waits in accesses_unsorted, and moves when its month is made.
CREATE FUNCTION watchlist.make_access_months(since timestamptz, months integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms' SET timezone = 'UTC'
AS $$
DECLARE
    month timestamptz;
    name text;
    made integer := 0;
BEGIN
    FOR i IN 0 .. least(months, 12) LOOP
        month := date_trunc('month', since) + make_interval(months => i);
        name := 'accesses_' || to_char(month, 'YYYY_MM');
        CONTINUE WHEN to_regclass('watchlist.' || name) IS NOT NULL;
        IF made = 0 THEN
            -- nothing may arrive between moving and attaching
            LOCK TABLE watchlist.accesses_unsorted IN ACCESS EXCLUSIVE MODE;
            CONTINUE WHEN to_regclass('watchlist.' || name) IS NOT NULL;
        END IF;
        EXECUTE format('CREATE TABLE watchlist.%I (LIKE watchlist.accesses INCLUDING ALL)', name);
        EXECUTE format('WITH moved AS (DELETE FROM watchlist.accesses_unsorted WHERE at >= %L AND at < %L RETURNING *)'
                       ' INSERT INTO watchlist.%I SELECT * FROM moved',
                       month, month + interval '1 month', name);
        EXECUTE format('ALTER TABLE watchlist.accesses ATTACH PARTITION watchlist.%I FOR VALUES FROM (%L) TO (%L)',
                       name, month, month + interval '1 month');
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

-- Months that were over before an instant. Never what is younger than six months by the clock of the database: neither a
-- clock that is years ahead, nor a row that is dated in the future, nor whoever acts as the service makes the log forget.
CREATE FUNCTION watchlist.forget_accesses(before timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms' SET timezone = 'UTC'
AS $$
DECLARE
    old record;
    dropped integer := 0;
    until timestamptz := least(before, date_trunc('month', clock_timestamp()) - interval '6 months');
BEGIN
    FOR old IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'watchlist.accesses'::regclass
          AND CASE WHEN c.relname ~ '^accesses_[0-9]{4}_[0-9]{2}$'
              THEN to_date(substr(c.relname, 10), 'YYYY_MM') + interval '1 month' <= until END
        ORDER BY c.relname
    LOOP
        EXECUTE format('DROP TABLE watchlist.%I', old.relname);
        dropped := dropped + 1;
    END LOOP;
    DELETE FROM watchlist.accesses_unsorted WHERE at < until;
    RETURN dropped;
END $$;
REVOKE ALL ON FUNCTION watchlist.make_access_months(timestamptz, integer), watchlist.forget_accesses(timestamptz)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION watchlist.make_access_months(timestamptz, integer), watchlist.forget_accesses(timestamptz)
    TO watchlist_service;
SELECT watchlist.make_access_months(now(), 2);
