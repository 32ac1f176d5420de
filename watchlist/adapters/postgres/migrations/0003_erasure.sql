-- Retention enforced by the machine, and erasure (C2, C5, P6)

-- when the data of a case went
ALTER TABLE watchlist.cases ADD COLUMN purged_at timestamptz;
UPDATE watchlist.cases c SET purged_at = (convert_from(e.state, 'UTF8')::jsonb ->> 'at')::timestamptz
FROM watchlist.events e WHERE e.originator_id = c.case_id AND e.topic = 'case.purged';
CREATE INDEX cases_data_end ON watchlist.cases (data_end_at) WHERE data_end_at IS NOT NULL;
-- whether a case names a subject is asked under the lock now: not from a list of what is still to be indexed
ALTER INDEX watchlist.cases_about SET (fastupdate = off);
DROP INDEX watchlist.cases_over;
CREATE INDEX cases_over ON watchlist.cases (last_active_at) WHERE state IN ('dismissed', 'lapsed', 'expired');

-- until when a subject is retained; the first is the subject's alone, the second follows from the cases too
ALTER TABLE watchlist.subjects
    ADD COLUMN erasing boolean NOT NULL DEFAULT false,
    ADD COLUMN erased boolean NOT NULL DEFAULT false,
    ADD COLUMN unnamed_until timestamptz,
    ADD COLUMN data_end_at timestamptz;
COMMENT ON COLUMN watchlist.subjects.data_end_at IS
    'P6: since when, or from when, nobody retains it; null while a case does, merged, or its erasure was decided';
UPDATE watchlist.subjects SET unnamed_until =
    ((registered_at AT TIME ZONE 'Europe/Paris')::date + interval '6 months' + interval '1 day')
    AT TIME ZONE 'Europe/Paris';
ALTER TABLE watchlist.subjects ALTER COLUMN unnamed_until SET NOT NULL;

-- P6: the same that the rule says (domain/retention.py); SQL narrows what the rule then decides
CREATE FUNCTION watchlist.subject_data_end_at(subject uuid) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN count(*) = 0 THEN (SELECT max(s.unnamed_until) FROM watchlist.subjects s
                                WHERE coalesce(s.merged_into, s.subject_id) = subject)
        WHEN bool_or(c.purged_at IS NULL) THEN NULL
        ELSE max(c.purged_at) END
    FROM watchlist.cases c WHERE c.subject_ids @> ARRAY[subject]
$$;
UPDATE watchlist.subjects SET data_end_at = watchlist.subject_data_end_at(subject_id) WHERE merged_into IS NULL;
CREATE INDEX subjects_data_end ON watchlist.subjects (data_end_at) WHERE data_end_at IS NOT NULL;
CREATE INDEX subjects_erasing ON watchlist.subjects (subject_id) WHERE erasing AND NOT erased;

-- under the lock, before an erasure is decided: whether a case that was not considered names one of them
CREATE FUNCTION watchlist.require_unnamed(subjects uuid[], considered uuid[]) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF EXISTS (SELECT FROM watchlist.cases c WHERE c.subject_ids && subjects AND c.purged_at IS NULL
               AND c.case_id <> ALL(considered)) THEN
        RAISE EXCEPTION 'named meanwhile' USING ERRCODE = 'unique_violation', CONSTRAINT = 'named_meanwhile';
    END IF;
END $$;

ALTER TABLE watchlist.imports ADD COLUMN purged_at timestamptz;
CREATE INDEX imports_kept ON watchlist.imports (import_id) WHERE purged_at IS NULL;
CREATE INDEX inscriptions_brought ON watchlist.inscriptions (import_id) WHERE import_id IS NOT NULL;
CREATE INDEX imported_lines_of ON watchlist.imported_lines (inscription_id);
CREATE INDEX case_references_of ON watchlist.case_references (case_id);

-- the certificates: what was forgotten, by which rule and when; it identifies nobody
CREATE TABLE watchlist.erasures (
    owner uuid PRIMARY KEY,
    kind text NOT NULL,
    organisation text NOT NULL,
    basis text NOT NULL,
    rule text NOT NULL,
    decided_at timestamptz NOT NULL,
    completed_at timestamptz,
    sealed_values integer,
    journal_sequence bigint,
    journal_digest text,
    position bigint
);
COMMENT ON COLUMN watchlist.erasures.completed_at IS 'null: decided, and to be carried out';
CREATE INDEX erasures_of ON watchlist.erasures (organisation, owner);
CREATE INDEX erasures_unfinished ON watchlist.erasures (decided_at) WHERE completed_at IS NULL;
CREATE INDEX erasures_journalled ON watchlist.erasures (journal_sequence) WHERE journal_sequence IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON watchlist.erasures TO watchlist_service;

INSERT INTO watchlist.erasures (owner, kind, organisation, basis, rule, decided_at, completed_at, position)
SELECT over.originator_id, 'case', over.fact ->> 'organisation',
       CASE over.topic WHEN 'case.dismissed' THEN 'not_relevant' ELSE 'alert_expired' END, 'C1',
       (over.fact ->> 'at')::timestamptz, c.purged_at, over.notification_id
FROM (SELECT *, convert_from(state, 'UTF8')::jsonb AS fact FROM watchlist.events
      WHERE topic IN ('case.dismissed', 'case.lapsed')) over
JOIN watchlist.cases c ON c.case_id = over.originator_id;

-- what a replay of the log gives again of them
CREATE VIEW watchlist.certificates AS
    SELECT owner, kind, organisation, basis, rule, decided_at, completed_at
    FROM watchlist.erasures WHERE kind <> 'text';
GRANT SELECT ON watchlist.certificates TO watchlist_service;
