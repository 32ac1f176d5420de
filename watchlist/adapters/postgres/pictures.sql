-- name: case_of
SELECT case_id FROM inscriptions WHERE inscription_id = %b

-- name: subject_with
-- the oldest subject known under one of these exact identifiers, or the one it was merged into
SELECT coalesce(s.merged_into, s.subject_id) AS subject_id
FROM subject_tokens t JOIN subjects s USING (subject_id)
WHERE t.digest = ANY(%b) AND t.organisation = %b
ORDER BY s.registered_at, s.subject_id LIMIT 1

-- name: open_entry
SELECT FROM inscriptions WHERE subject_id = %b AND state IN ('proposed', 'active') LIMIT 1

-- name: cases_about
SELECT case_id AS id FROM cases WHERE subject_ids @> ARRAY[%b::uuid]

-- name: due_entries
SELECT case_id AS id FROM inscriptions WHERE state = 'active' AND ends_at <= %b ORDER BY ends_at LIMIT %b

-- name: due_alerts
SELECT case_id AS id FROM cases WHERE alert_ends_at <= %b ORDER BY alert_ends_at LIMIT %b

-- name: due_purges
-- cases that are over and only wait for their data to be purged: a crash interrupted it
SELECT case_id AS id FROM cases WHERE state IN ('dismissed', 'lapsed') ORDER BY last_active_at LIMIT %b

-- name: imported
SELECT fingerprint AS digest FROM imported_lines WHERE fingerprint = ANY(%b)

-- name: case_referenced
SELECT digest, case_id FROM case_references WHERE digest = ANY(%b)

-- name: proposed_by_import
SELECT DISTINCT case_id AS id FROM (
    SELECT case_id FROM inscriptions WHERE import_id = %b AND state = 'proposed' ORDER BY inscription_id LIMIT %b
) waiting

-- name: unfinished_imports
-- approved, with inscriptions that still wait: a crash interrupted the approval
SELECT i.import_id, i.organisation, i.approved_by FROM imports i
WHERE i.approved_by IS NOT NULL
  AND EXISTS (SELECT FROM inscriptions x WHERE x.import_id = i.import_id AND x.state = 'proposed')

-- name: current_list
-- the list as it is at an instant near now: listed and not ended, whoever swept or not (L3)
SELECT inscription_id, subject_id, case_id, organisation, inscribed_on, term_months, last_listed_day,
       listed_until, held_by, restricted
FROM inscriptions
WHERE state = 'active' AND ends_at > %(at)s
  AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
  AND inscription_id > %(after)s
ORDER BY inscription_id LIMIT %(limit)s

-- name: settle
-- waits for commands that were stamped before now and are not committed yet
SELECT pg_advisory_xact_lock_shared(%b)

-- name: list_as_of
-- the list as it was recorded up to an instant, and stood at that instant
SELECT inscription_id, subject_id, case_id, organisation, inscribed_on, term_months, last_listed_day,
       listed_until, held_by, restricted
FROM inscription_history
WHERE recorded_from <= %(at)s AND recorded_until > %(at)s AND ends_at > %(at)s
  AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
  AND inscription_id > %(after)s
ORDER BY inscription_id LIMIT %(limit)s

-- name: inscriptions
-- by their state of now: what has ended is `ended`, swept or not (L3)
SELECT i.*, c.version AS version,
       CASE WHEN i.state = 'active' AND i.ends_at <= %(at)s THEN 'ended' ELSE i.state END AS state_now
FROM inscriptions i JOIN cases c USING (case_id)
WHERE (%(organisation)s::text IS NULL OR i.organisation = %(organisation)s)
  AND (%(state)s::text IS NULL
       OR CASE WHEN i.state = 'active' AND i.ends_at <= %(at)s THEN 'ended' ELSE i.state END = %(state)s)
  AND i.inscription_id > %(after)s
ORDER BY i.inscription_id LIMIT %(limit)s

-- name: cases
SELECT * FROM cases
WHERE (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND case_id > %(after)s
ORDER BY case_id LIMIT %(limit)s

-- name: imports
SELECT * FROM imports
WHERE (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
  AND import_id > %(after)s
ORDER BY import_id LIMIT %(limit)s

-- name: import
SELECT * FROM imports WHERE import_id = %(id)s
  AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)

-- name: subjects_found
-- under which of these digests subjects of one organisation are known, those known under most of them first
SELECT coalesce(s.merged_into, s.subject_id) AS subject_id,
       array_agg(t.digest) AS digests, array_agg(coalesce(t.given, '')) AS given
FROM subject_tokens t JOIN subjects s USING (subject_id)
WHERE t.digest = ANY(%(digests)s) AND t.organisation = %(organisation)s
GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT %(limit)s

-- name: deadlines_of_a_kind
-- what of one kind falls due until an instant, in the order of its index; what has no end yet is not due
(SELECT * FROM {view}
 WHERE due_at <= %(until)s AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
   AND (due_at, id, kind) > (%(due_at)s, %(id)s, %(kind)s)
 ORDER BY due_at, id LIMIT %(limit)s)

-- name: deadlines
SELECT * FROM ({kinds}) AS due ORDER BY due_at, id, kind LIMIT %(limit)s

-- name: deadlines_counted_of_a_kind
-- what of one kind is overdue at an instant, and what a procedure holds past its day
SELECT {kind} AS kind,
       count(*) FILTER (WHERE due_at <= %(at)s AND held_by = '{}') AS late,
       count(*) FILTER (WHERE due_at <= %(at)s AND held_by <> '{}') AS held
FROM {view} WHERE due_at <= %(at)s

-- name: events
-- the log as it is recorded, by position
SELECT notification_id AS position, recorded_at, topic, originator_id AS stream,
       originator_version AS version, state
FROM events WHERE notification_id > %(after)s AND notification_id <= %(until)s
ORDER BY notification_id LIMIT %(limit)s

-- name: history_of
SELECT notification_id AS position, recorded_at, topic, originator_id AS stream,
       originator_version AS version, state
FROM events WHERE originator_id = %(stream)s AND originator_version > %(after)s
ORDER BY originator_version LIMIT %(limit)s

-- name: applied_migrations
SELECT name FROM public.watchlist_migrations

-- name: position
SELECT coalesce(max(notification_id), 0) AS position FROM events
