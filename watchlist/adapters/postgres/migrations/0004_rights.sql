-- Persons' rights: their requests (P1-P5), and in which cases somebody is a victim (L10).

CREATE TABLE watchlist.rights_requests (
    request_id uuid PRIMARY KEY,
    organisation text NOT NULL,
    subject_id uuid NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    received_on date NOT NULL,
    recorded_at timestamptz NOT NULL,
    due_on date NOT NULL,
    due_at timestamptz NOT NULL,
    extended boolean NOT NULL,
    granted boolean,
    answered_on date,
    restricts boolean NOT NULL,
    review_on date,
    review_at timestamptz,
    is_open boolean NOT NULL,
    version bigint NOT NULL
);
COMMENT ON COLUMN watchlist.rights_requests.due_at IS 'P1: the midnight in Paris after the last day to answer';
COMMENT ON COLUMN watchlist.rights_requests.restricts IS 'P2: whether the entries of its subject are restricted because of it';
COMMENT ON COLUMN watchlist.rights_requests.is_open IS 'something is still owed to the person: an answer, a deferred part, a restriction';
CREATE INDEX rights_requests_of ON watchlist.rights_requests (organisation, request_id);
CREATE INDEX rights_requests_open ON watchlist.rights_requests (subject_id) WHERE is_open;
CREATE INDEX rights_requests_due ON watchlist.rights_requests (due_at) WHERE state <> 'answered';
CREATE INDEX rights_requests_review ON watchlist.rights_requests (review_at) WHERE review_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON watchlist.rights_requests TO watchlist_service;

-- L10: a victim need not be one of the case's subjects, and a merge has to find the case all the same
ALTER TABLE watchlist.cases ADD COLUMN victim_ids uuid[] NOT NULL DEFAULT '{}';
ALTER TABLE watchlist.cases ALTER COLUMN victim_ids DROP DEFAULT;
CREATE INDEX cases_with_victim ON watchlist.cases USING gin (victim_ids);
WITH recorded AS (
    SELECT originator_id AS case_id, (convert_from(state, 'UTF8')::json ->> 'subject_id')::uuid AS victim
    FROM watchlist.events WHERE topic = 'case.victim_recorded'
), followed AS (
    SELECT DISTINCT ON (case_id, merged) * FROM (
        SELECT originator_id AS case_id, originator_version,
               (convert_from(state, 'UTF8')::json ->> 'merged')::uuid AS merged,
               (convert_from(state, 'UTF8')::json ->> 'into')::uuid AS survivor
        FROM watchlist.events WHERE topic = 'case.subject_followed'
    ) each ORDER BY case_id, merged, originator_version DESC
), known AS (
    SELECT case_id, victim FROM recorded
    UNION SELECT case_id, survivor FROM recorded JOIN followed USING (case_id)
    WHERE merged = victim AND survivor IS NOT NULL
)
UPDATE watchlist.cases SET victim_ids = of_case.ids
FROM (SELECT case_id, array_agg(victim ORDER BY victim) AS ids FROM known GROUP BY case_id) of_case
WHERE cases.case_id = of_case.case_id;

-- a decision on all the cases of somebody: under the lock, whether there is one more by now
CREATE FUNCTION watchlist.require_no_other_case(subjects uuid[], known uuid[]) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF EXISTS (SELECT FROM watchlist.cases c WHERE (c.subject_ids && subjects OR c.victim_ids && subjects)
               AND NOT c.case_id = ANY(known)) THEN
        RAISE EXCEPTION 'changed meanwhile' USING ERRCODE = 'unique_violation', CONSTRAINT = 'changed_meanwhile';
    END IF;
END $$;
