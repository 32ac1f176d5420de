-- S8: whoever received a hit is told that it stopped, or resumed: the feed of changes, and the webhooks it is sent to

-- The last number given to each organisation: a change that is gone gives its number to no other
CREATE TABLE watchlist.change_sequences (
    organisation text PRIMARY KEY,
    last bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE (last) ON watchlist.change_sequences TO watchlist_service;

ALTER TABLE watchlist.changes
    ADD change_id uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD awaited_until timestamptz;
COMMENT ON COLUMN watchlist.changes.change_id IS 'names it among everything that falls due; never told to the asker';
COMMENT ON COLUMN watchlist.changes.awaited_until IS 'until when its acknowledgement is in time; null: acknowledged';
GRANT UPDATE (awaited_until) ON watchlist.changes TO watchlist_service;
CREATE INDEX changes_awaited ON watchlist.changes (awaited_until, change_id) WHERE awaited_until IS NOT NULL;

-- how long an organisation has to acknowledge: the service says so when it connects, since SQL reads no settings
CREATE FUNCTION watchlist.acknowledged_within() RETURNS interval LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('watchlist.acknowledged_within', true), ''), '3d')::interval $$;

-- Called by the write transaction once what these entries answer is painted, so under the write lock: no hit is told
-- meanwhile, and numbers commit in their order. A question stands while one of the entries that it hit does.
--
-- When the look-up key has rotated since, the question cannot be compared any more: then an entry that answers at all
-- stands for it, unless the identity changed. Of that nothing can ever be said again, so it is told as stopped and the
-- hit is forgotten: telling that it stopped makes somebody ask again, saying nothing would let them believe it.
--
-- One who asks before each payment has as many hits on an entry as there were payments, and all that record wait: each
-- hit is looked at once, whatever the statistics say. So no loop over a loop, and no plan but by hashing and by index.
CREATE FUNCTION watchlist.tell_of_hits(inscription_ids uuid[], identity_changed boolean) RETURNS void
LANGUAGE plpgsql VOLATILE
SET enable_nestloop = off SET enable_mergejoin = off SET enable_seqscan = off SET jit = off AS $$
DECLARE
    told integer;
BEGIN
    WITH held AS MATERIALIZED (
        SELECT array_agg(generation) AS generations FROM watchlist.lookup_generations
        WHERE state IN ('current', 'arriving')
    ), of_these AS MATERIALIZED (
        SELECT h.screening_id, h.key, h.inscription_id, h.stands, h.organisation, h.digests, h.given, h.generation,
               h.question, identity_changed AND h.generation <> ALL((SELECT generations FROM held)::smallint[]) AS lost
        FROM watchlist.hits h WHERE h.inscription_id = ANY(inscription_ids)
    ), asked AS MATERIALIZED (
        -- the same was asked a thousand times: it is answered once
        SELECT q.*, NOT q.lost
               AND watchlist.answers_to(q.inscription_id, q.digests, q.given, q.generation, watchlist.recorded_at())
               AND (SELECT true FROM watchlist.homonyms x
                    WHERE x.inscription_id = q.inscription_id AND x.organisation = q.organisation
                      AND x.question = q.question LIMIT 1) IS NULL AS stands
        FROM (SELECT DISTINCT inscription_id, organisation, digests, given, generation, question, lost FROM of_these) q
    ), met AS MATERIALIZED (
        SELECT t.organisation, t.screening_id, t.key, t.inscription_id, t.stands AS stood, t.lost, a.stands
        FROM of_these t
        JOIN asked a USING (inscription_id, organisation, question, generation, lost, digests, given)
    ), moved AS (
        UPDATE watchlist.hits h SET stands = m.stands FROM met m
        WHERE h.inscription_id = ANY(inscription_ids)
          AND h.screening_id = m.screening_id AND h.key = m.key AND h.inscription_id = m.inscription_id
          AND m.stood <> m.stands AND NOT m.lost
    ), forgotten AS (
        DELETE FROM watchlist.hits h USING met m
        WHERE h.inscription_id = ANY(inscription_ids)
          AND h.screening_id = m.screening_id AND h.key = m.key AND h.inscription_id = m.inscription_id AND m.lost
    ), turned AS MATERIALIZED (
        SELECT organisation, screening_id, key, bool_or(stands) AS stands,
               (array_agg(inscription_id ORDER BY inscription_id) FILTER (WHERE stood <> stands))[1] AS entry
        FROM met GROUP BY organisation, screening_id, key
        HAVING bool_or(stood) <> bool_or(stands)
           AND (SELECT true FROM watchlist.hits other
                WHERE other.screening_id = met.screening_id AND other.key = met.key AND other.stands
                  AND other.inscription_id <> ALL(inscription_ids) LIMIT 1) IS NULL
    ), numbered AS (
        INSERT INTO watchlist.change_sequences AS s (organisation, last)
        SELECT organisation, count(*) FROM turned GROUP BY organisation
        ON CONFLICT (organisation) DO UPDATE SET last = s.last + excluded.last
        RETURNING s.organisation, s.last
    )
    INSERT INTO watchlist.changes (organisation, sequence, at, kind, screening_id, key, inscription_id, awaited_until)
    SELECT t.organisation,
           n.last - count(*) OVER everybody + row_number() OVER in_order,
           watchlist.recorded_at(), CASE WHEN t.stands THEN 'resumed' ELSE 'stopped' END, t.screening_id, t.key, t.entry,
           watchlist.recorded_at() + watchlist.acknowledged_within()
    FROM turned t JOIN numbered n USING (organisation)
    WINDOW everybody AS (PARTITION BY t.organisation),
           in_order AS (PARTITION BY t.organisation ORDER BY t.screening_id, t.key);
    GET DIAGNOSTICS told = ROW_COUNT;
    IF told > 0 THEN
        NOTIFY watchlist_changes;
    END IF;
END $$;
CREATE FUNCTION watchlist.tell_changes(inscription_ids uuid[], identity_changed boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
BEGIN
    -- nearly never: a delisting that nobody was told of costs one look at an index, however few entries have the hits
    IF EXISTS (SELECT FROM watchlist.hits h WHERE h.inscription_id = ANY(inscription_ids)) THEN
        PERFORM watchlist.tell_of_hits(inscription_ids, identity_changed);
    END IF;
END $$;

-- Where an organisation has its changes sent
CREATE TABLE watchlist.webhooks (
    webhook_id uuid PRIMARY KEY,
    organisation text NOT NULL,
    url text NOT NULL,
    description text,
    made_at timestamptz NOT NULL,
    made_by uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('live', 'failing', 'disabled')),
    state_since timestamptz NOT NULL,
    taken_until bigint NOT NULL
);
COMMENT ON COLUMN watchlist.webhooks.state IS 'live; failing: given up on; disabled: its receiver answered 410';
COMMENT ON COLUMN watchlist.webhooks.taken_until IS 'the last change that is in webhook_deliveries';
CREATE INDEX webhooks_of ON watchlist.webhooks (organisation, webhook_id);
GRANT SELECT, INSERT, UPDATE (state, state_since, taken_until), DELETE ON watchlist.webhooks TO watchlist_service;

CREATE TABLE watchlist.webhook_secrets (
    webhook_id uuid NOT NULL REFERENCES watchlist.webhooks ON DELETE CASCADE,
    number integer NOT NULL,
    salt bytea,
    made_at timestamptz NOT NULL,
    retired_at timestamptz,
    PRIMARY KEY (webhook_id, number),
    CHECK ((salt IS NULL) = (retired_at IS NOT NULL))
);
COMMENT ON COLUMN watchlist.webhook_secrets.salt IS 'what the secret is derived from, with a key of the keyring; null: retired';
GRANT SELECT, INSERT, UPDATE (salt, retired_at) ON watchlist.webhook_secrets TO watchlist_service;

-- one row for each change that a webhook is to be sent, from when it was taken up
CREATE TABLE watchlist.webhook_deliveries (
    webhook_id uuid NOT NULL REFERENCES watchlist.webhooks ON DELETE CASCADE,
    sequence bigint NOT NULL,
    organisation text NOT NULL,
    due_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    tried_since timestamptz,
    claim uuid,
    PRIMARY KEY (webhook_id, sequence),
    FOREIGN KEY (organisation, sequence) REFERENCES watchlist.changes ON DELETE CASCADE
);
COMMENT ON COLUMN watchlist.webhook_deliveries.due_at IS
    'when it is sent, or again; while it is being sent, when whoever does so is given up on; null: delivered';
COMMENT ON COLUMN watchlist.webhook_deliveries.claim IS
    'of whoever is sending it: how it ended is only recorded by them, unless a replay asked for it again meanwhile';
CREATE INDEX webhook_deliveries_due ON watchlist.webhook_deliveries (webhook_id, sequence) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_of ON watchlist.webhook_deliveries (organisation, sequence);
GRANT SELECT, INSERT, UPDATE (due_at, attempts, tried_since, claim) ON watchlist.webhook_deliveries TO watchlist_service;

-- the delivery log: that it was tried and how it ended, never what was sent or answered
CREATE TABLE watchlist.webhook_attempts (
    attempt_id uuid PRIMARY KEY,
    webhook_id uuid NOT NULL REFERENCES watchlist.webhooks ON DELETE CASCADE,
    sequence bigint NOT NULL,
    attempt integer NOT NULL,
    at timestamptz NOT NULL,
    status smallint,
    failure text,
    milliseconds integer NOT NULL
);
CREATE INDEX webhook_attempts_of ON watchlist.webhook_attempts (webhook_id, attempt_id);
CREATE INDEX webhook_attempts_age ON watchlist.webhook_attempts USING brin (at);
GRANT SELECT, INSERT, DELETE ON watchlist.webhook_attempts TO watchlist_service;

-- what falls due: the acknowledgement of a change, for the DPO of the organisation that was told
CREATE VIEW watchlist.due_change_unacknowledged AS
    SELECT 'change_unacknowledged' AS kind, organisation, awaited_until AS due_at, change_id AS id, NULL::uuid AS case_id,
           NULL::uuid AS inscription_id, NULL::uuid AS subject_id, '{}'::uuid[] AS held_by
    FROM watchlist.changes WHERE awaited_until IS NOT NULL;
CREATE OR REPLACE VIEW watchlist.deadlines AS
SELECT * FROM watchlist.due_alert_purge
UNION ALL SELECT * FROM watchlist.due_case_inactive
UNION ALL SELECT * FROM watchlist.due_case_purge
UNION ALL SELECT * FROM watchlist.due_delisting
UNION ALL SELECT * FROM watchlist.due_letter
UNION ALL SELECT * FROM watchlist.due_delisting_letter
UNION ALL SELECT * FROM watchlist.due_hold_review
UNION ALL SELECT * FROM watchlist.due_death_review
UNION ALL SELECT * FROM watchlist.due_subject_erasure
UNION ALL SELECT * FROM watchlist.due_rights_request
UNION ALL SELECT * FROM watchlist.due_access_deferral
UNION ALL SELECT * FROM watchlist.due_change_unacknowledged;
GRANT SELECT ON watchlist.due_change_unacknowledged TO watchlist_service;
