-- name: case_of
SELECT case_id FROM inscriptions WHERE inscription_id = %b

-- name: case_of_letter
SELECT case_id FROM letters WHERE letter_id = %b

-- name: hit_told_at
SELECT hit_told_at FROM letters WHERE letter_id = %b

-- name: letters
-- by their state of now
SELECT letter_id, kind, organisation, case_id, inscription_id, subject_id, due_at, deferred_to, sent_on, channel,
       template, last_day, hit_told_at, late_from, state
FROM (
    SELECT letter_id, kind, organisation, case_id, inscription_id, subject_id, due_at, deferred_to, sent_on,
           channel, template, last_day, hit_told_at,
           letter_late_from(due_at, deferred_to, hit_told_at) AS late_from,
           CASE WHEN sent_on IS NOT NULL THEN 'sent' WHEN due_at IS NULL THEN 'not_due'
                WHEN letter_late_from(due_at, deferred_to, hit_told_at) <= %(at)s THEN 'late'
                WHEN deferred_to IS NOT NULL THEN 'deferred' ELSE 'due' END AS state
    FROM letters WHERE organisation = %(organisation)s AND letter_id > %(after)s
) stood
WHERE %(state)s::text IS NULL OR state = %(state)s
ORDER BY letter_id LIMIT %(limit)s

-- name: subject_with
-- the oldest subject known under one of these exact identifiers, or the one it was merged into
SELECT coalesce(s.merged_into, s.subject_id) AS subject_id
FROM subject_tokens t JOIN subjects s USING (subject_id)
WHERE t.digest = ANY(%b) AND t.organisation = %b
ORDER BY s.registered_at, s.subject_id LIMIT 1

-- name: open_entry
SELECT FROM inscriptions WHERE subject_id = %b AND state IN ('proposed', 'active') LIMIT 1

-- name: cases_about
-- those it belongs to, or is a victim in (L10)
SELECT case_id AS id FROM cases
WHERE subject_ids @> ARRAY[%(subject_id)s::uuid] OR victim_ids @> ARRAY[%(subject_id)s::uuid]

-- name: cases_ever_about
-- of an erased subject its entries still tell: the cases go on without it
SELECT case_id AS id FROM cases WHERE subject_ids && %(subjects)s OR victim_ids && %(subjects)s
UNION SELECT case_id FROM inscriptions WHERE subject_id = ANY(%(subjects)s)
ORDER BY id

-- name: open_request
SELECT FROM rights_requests WHERE subject_id = ANY(%b) AND is_open LIMIT 1

-- name: requests_of
SELECT request_id AS id FROM rights_requests WHERE subject_id = ANY(%b)

-- name: rights_requests
-- the requests of one organisation's persons, by id
SELECT request_id, organisation, subject_id, kind, state, received_on, recorded_at, due_on, due_at, extended,
       granted, answered_on, restricts, review_on, review_at, is_open, version
FROM rights_requests
WHERE organisation = %(organisation)s
  AND (%(state)s::text IS NULL OR state = %(state)s) AND (%(kind)s::text IS NULL OR kind = %(kind)s)
  AND (%(due_before)s::date IS NULL OR due_on < %(due_before)s)
  AND request_id > %(after)s
ORDER BY request_id LIMIT %(limit)s

-- name: due_entries
SELECT case_id AS id FROM inscriptions WHERE state = 'active' AND ends_at <= %b ORDER BY ends_at LIMIT %b

-- name: due_alerts
SELECT case_id AS id FROM cases WHERE alert_ends_at <= %b ORDER BY alert_ends_at LIMIT %b

-- name: due_purges
-- cases that are over and only wait for their data to be purged: a crash interrupted it
SELECT case_id AS id FROM cases WHERE state IN ('dismissed', 'lapsed', 'expired')
ORDER BY last_active_at LIMIT %b

-- name: due_cases
SELECT case_id AS id FROM cases WHERE data_end_at <= %b ORDER BY data_end_at LIMIT %b

-- name: due_subjects
SELECT subject_id AS id FROM subjects s WHERE data_end_at <= %b
AND NOT EXISTS (SELECT FROM rights_requests r JOIN subjects o ON o.subject_id = r.subject_id
                WHERE r.is_open AND coalesce(o.merged_into, o.subject_id) = s.subject_id)
ORDER BY data_end_at, subject_id LIMIT %b

-- name: due_requested_erasures
-- granted and answered, and not decided on: a crash came between, or something forbade it
SELECT r.request_id AS id FROM rights_requests r JOIN subjects s USING (subject_id)
WHERE r.kind = 'erasure' AND r.granted AND r.state = 'answered' AND NOT s.erasing ORDER BY 1 LIMIT %b

-- name: subjects_left_by
-- whom nothing would retain, were some cases purged: those retained by none today, and those named by these alone
SELECT count(*) AS n FROM (
    SELECT subject_id FROM subjects WHERE data_end_at <= %(at)s
    UNION
    SELECT s.subject_id FROM (
        SELECT DISTINCT unnest(subject_ids) AS subject_id FROM cases WHERE case_id = ANY(%(cases)s)) named
    JOIN subjects s USING (subject_id)
    WHERE NOT s.erasing AND NOT EXISTS (
        SELECT FROM cases c WHERE c.subject_ids @> ARRAY[s.subject_id] AND c.purged_at IS NULL
        AND c.case_id <> ALL(%(cases)s))
) left_alone

-- name: erasing_subjects
-- decided and not recorded: a crash interrupted it
SELECT subject_id AS id FROM subjects WHERE erasing AND NOT erased ORDER BY subject_id LIMIT %b

-- name: due_imports
-- imports of which every case is purged
SELECT i.import_id AS id FROM imports i
WHERE i.purged_at IS NULL
  AND EXISTS (SELECT FROM inscriptions x WHERE x.import_id = i.import_id)
  AND NOT EXISTS (SELECT FROM inscriptions x JOIN cases c USING (case_id)
                  WHERE x.import_id = i.import_id AND c.purged_at IS NULL)
LIMIT %b

-- name: naming
SELECT s.subject_id, c.case_id, c.purged_at
FROM unnest(%b::uuid[]) AS s (subject_id)
JOIN cases c ON c.subject_ids @> ARRAY[s.subject_id] OR c.victim_ids @> ARRAY[s.subject_id]

-- name: forgotten
SELECT owner AS id FROM erasures WHERE owner = ANY(%b) AND completed_at IS NOT NULL

-- name: last_journalled
SELECT journal_sequence, journal_digest FROM erasures WHERE journal_sequence IS NOT NULL
ORDER BY journal_sequence DESC LIMIT 1

-- name: unfinished_erasures
SELECT count(*) AS n FROM erasures WHERE completed_at IS NULL AND decided_at <= %b

-- name: certificates
SELECT owner, kind, organisation, basis, rule, decided_at, completed_at, sealed_values, journal_sequence,
       journal_digest, position
FROM erasures
WHERE (%(organisation)s::text IS NULL OR organisation = %(organisation)s) AND owner > %(after)s
ORDER BY owner LIMIT %(limit)s

-- name: erasures_standing
-- how many keys were destroyed so long ago that no backup holds them any more
SELECT count(*) FILTER (WHERE completed_at <= %(before)s) AS complete,
       count(*) FILTER (WHERE completed_at > %(before)s) AS awaiting, max(completed_at) AS last
FROM erasures

-- name: certificate
SELECT owner, kind, organisation, basis, rule, decided_at, completed_at, sealed_values, journal_sequence,
       journal_digest, position
FROM erasures WHERE owner = %b

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

-- name: inscriptions
-- by their state of now: what has ended is `ended`, swept or not (L3)
SELECT i.inscription_id, i.case_id, i.subject_id, i.organisation, i.state, i.grounds, i.term_months, i.proposed_at,
       i.proposed_by, i.import_id, i.inscribed_at, i.inscribed_on, i.last_listed_day, i.listed_until, i.ends_at,
       i.held_by, i.restricted, i.letter_due_at, i.delisted_at, i.delisting_ground, i.hold_review_due_at,
       i.last_amended_by, i.approved_by, c.version AS version,
       CASE WHEN i.state = 'active' AND i.ends_at <= %(at)s THEN 'ended' ELSE i.state END AS state_now
FROM inscriptions i JOIN cases c USING (case_id)
WHERE (%(organisation)s::text IS NULL OR i.organisation = %(organisation)s)
  AND (%(state)s::text IS NULL
       OR CASE WHEN i.state = 'active' AND i.ends_at <= %(at)s THEN 'ended' ELSE i.state END = %(state)s)
  AND i.inscription_id > %(after)s
ORDER BY i.inscription_id LIMIT %(limit)s

-- name: cases
SELECT case_id, organisation, state, source, raised_on, import_id, opened_at, closed_at, last_active_at,
       alert_ends_at, inactive_at, data_end_at, subject_ids, version, purged_at, victim_ids, data_due_at
FROM cases
WHERE (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND case_id > %(after)s
ORDER BY case_id LIMIT %(limit)s

-- name: subjects_of
-- those of one organisation whose data are kept, by id
SELECT subject_id FROM subjects
WHERE organisation = %(organisation)s AND NOT erasing AND subject_id > %(after)s
ORDER BY subject_id LIMIT %(limit)s

-- name: imports
SELECT import_id, organisation, submitted_at, submitted_by, accepted, refused, approved_by, purged_at
FROM imports
WHERE (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
  AND import_id > %(after)s
ORDER BY import_id LIMIT %(limit)s

-- name: import
SELECT import_id, organisation, submitted_at, submitted_by, accepted, refused, approved_by, purged_at
FROM imports WHERE import_id = %(id)s
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
(SELECT kind, organisation, due_at, id, case_id, inscription_id, subject_id, held_by
 FROM {view}
 WHERE due_at <= %(until)s AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
   AND (due_at, id, kind) > (%(due_at)s, %(id)s, %(kind)s)
 ORDER BY due_at, id LIMIT %(limit)s)

-- name: deadlines
SELECT kind, organisation, due_at, id, case_id, inscription_id, subject_id, held_by
FROM ({kinds}) AS due ORDER BY due_at, id, kind LIMIT %(limit)s

-- name: deadlines_counted_of_a_kind
-- what of one kind is overdue at an instant, and what a procedure holds past its day
SELECT {kind} AS kind,
       count(*) FILTER (WHERE due_at <= %(at)s AND held_by = '{}') AS late,
       count(*) FILTER (WHERE due_at <= %(at)s AND held_by <> '{}') AS held
FROM {view} WHERE due_at <= %(at)s

-- name: falling_due
-- what of one kind falls due until an instant and nothing holds, and whose it is, soonest first
SELECT id, organisation FROM {view} WHERE due_at <= %(until)s AND held_by = '{}' ORDER BY due_at, id

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
