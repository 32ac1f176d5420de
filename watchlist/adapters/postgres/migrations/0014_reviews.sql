-- What people do with a hit: its review and the memory of it (S7), and a question to the owner of the entry (C6)

-- S7: a review stays as codes, dates and random ids; what it says of a person is in reviewed_hits, and goes
ALTER TABLE watchlist.reviews DROP COLUMN key;
ALTER TABLE watchlist.reviews
    ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY,
    ADD COLUMN disclosure_ids uuid[] NOT NULL;
COMMENT ON COLUMN watchlist.reviews.number IS 'in the order in which they were recorded, under the write lock: the last one counts. Never shown: it counts what everybody finds';
COMMENT ON COLUMN watchlist.reviews.disclosure_ids IS 'of the hit that was reviewed: what it was is known by them when nothing else is left';
CREATE INDEX reviews_of ON watchlist.reviews (screening_id, organisation, number);

-- one row for each entry that the reviewed hit was on, with the asker's own key; gone with the entry or its subject
CREATE TABLE watchlist.reviewed_hits (
    review_id uuid NOT NULL,
    inscription_id uuid NOT NULL,
    key text NOT NULL,
    subject_id uuid NOT NULL,
    note_ref uuid,
    note_commitment bytea,
    PRIMARY KEY (review_id, inscription_id)
);
COMMENT ON COLUMN watchlist.reviewed_hits.subject_id IS 'under whose key the note is';
COMMENT ON COLUMN watchlist.reviewed_hits.note_ref IS 'in the vault; null: no note';
CREATE INDEX reviewed_hits_on ON watchlist.reviewed_hits (inscription_id);
GRANT SELECT, INSERT, DELETE ON watchlist.reviewed_hits TO watchlist_service;

-- refused when a hit is not what a review was decided on: another review came first, or an entry went
CREATE FUNCTION watchlist.require_reviewed_last(
    of_organisation text, of_screening uuid, of_key text, entries uuid[], last_review uuid
) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF last_review IS DISTINCT FROM (
           SELECT r.review_id FROM watchlist.reviews r JOIN watchlist.reviewed_hits v USING (review_id)
           WHERE r.screening_id = of_screening AND r.organisation = of_organisation AND v.key = of_key
           ORDER BY r.number DESC LIMIT 1)
       OR EXISTS (
           SELECT FROM unnest(entries) AS e (inscription_id)
           WHERE NOT EXISTS (SELECT FROM watchlist.hits h
                             WHERE h.screening_id = of_screening AND h.key = of_key
                               AND h.inscription_id = e.inscription_id AND h.organisation = of_organisation)) THEN
        RAISE EXCEPTION 'changed meanwhile' USING ERRCODE = 'unique_violation', CONSTRAINT = 'changed_meanwhile';
    END IF;
END $$;

-- C6: a question about a hit, once for each entry that it was on; its asker never learns whose they are, or how many
CREATE TABLE watchlist.detail_requests (
    detail_id uuid PRIMARY KEY,
    request_id uuid NOT NULL,
    at timestamptz NOT NULL,
    organisation text NOT NULL,
    operator_id uuid NOT NULL,
    screening_id uuid NOT NULL,
    key text,
    disclosure_id uuid NOT NULL,
    owner text NOT NULL,
    subject_id uuid NOT NULL,
    case_id uuid NOT NULL,
    inscription_id uuid NOT NULL,
    question_ref uuid,
    question_commitment bytea,
    state text NOT NULL CHECK (state IN ('waiting', 'answered', 'refused', 'closed')),
    due_at timestamptz,
    answered_at timestamptz,
    answered_by uuid,
    answered_of uuid,
    answer_ref uuid,
    answer_commitment bytea
);
COMMENT ON COLUMN watchlist.detail_requests.request_id IS 'the asker''s id of it, the same for each entry; detail_id is its owner''s';
COMMENT ON COLUMN watchlist.detail_requests.organisation IS 'who asks';
COMMENT ON COLUMN watchlist.detail_requests.key IS 'the asker''s own; null: erased';
COMMENT ON COLUMN watchlist.detail_requests.disclosure_id IS 'of the hit that is asked about';
COMMENT ON COLUMN watchlist.detail_requests.subject_id IS 'under whose key the question is';
COMMENT ON COLUMN watchlist.detail_requests.due_at IS 'when the owner must have answered; null: answered, refused or closed';
COMMENT ON COLUMN watchlist.detail_requests.answered_of IS 'under whose key the answer, or why there is none, is';
CREATE INDEX detail_requests_asked ON watchlist.detail_requests (screening_id, organisation);
CREATE INDEX detail_requests_together ON watchlist.detail_requests (request_id);
CREATE INDEX detail_requests_of ON watchlist.detail_requests (owner, detail_id);
CREATE INDEX detail_requests_on ON watchlist.detail_requests (inscription_id);
CREATE INDEX detail_requests_due ON watchlist.detail_requests (due_at, detail_id) WHERE due_at IS NOT NULL;
GRANT SELECT, INSERT,
    UPDATE (key, question_ref, question_commitment, state, due_at, answered_at, answered_by, answered_of, answer_ref,
            answer_commitment)
    ON watchlist.detail_requests TO watchlist_service;

-- what falls due: the answer, for the organisation that owns the entry; beside whatever else falls due by now
CREATE VIEW watchlist.due_detail_request AS
    SELECT 'detail_request' AS kind, owner AS organisation, due_at, detail_id AS id, case_id, inscription_id, subject_id,
           '{}'::uuid[] AS held_by
    FROM watchlist.detail_requests WHERE due_at IS NOT NULL;
DO $$
BEGIN
    EXECUTE format('CREATE OR REPLACE VIEW watchlist.deadlines AS %s UNION ALL SELECT * FROM watchlist.due_detail_request',
                   rtrim(pg_get_viewdef('watchlist.deadlines'::regclass), '; '));
END $$;
GRANT SELECT ON watchlist.due_detail_request TO watchlist_service;
