-- name: settle
-- nothing will be recorded with an instant up to that one any more: the database's clock has passed it, and commands
-- that were stamped before are committed
SELECT pg_advisory_xact_lock_shared(%(lock)s) FROM pg_sleep(
    CASE WHEN %(at)s - clock_timestamp() BETWEEN interval '0' AND interval '2 seconds'
         THEN extract(epoch FROM %(at)s - clock_timestamp())::float8 ELSE 0 END)

-- name: list_as_of
-- the list at an instant as it was known by another: what was in effect then, with what was known last of its end and of
-- whose it is; and what was imported since with an earlier date (domain/standing.py says the rule)
SELECT inscription_id, whose AS subject_id, case_id, organisation, inscribed_on, term_months, last_listed_day,
       listed_until, held_by, restricted
FROM (
    (SELECT t.inscription_id, t.recorded_from, t.recorded_until, t.case_id, t.subject_id, t.organisation,
            t.inscribed_at, t.inscribed_on, t.term_months, t.last_listed_day, t.listed_until, t.ends_at, t.held_by,
            t.restricted,
            latest.subject_id AS whose
     FROM inscription_history t CROSS JOIN LATERAL (
         SELECT k.subject_id, k.ends_at FROM inscription_history k
         WHERE k.inscription_id = t.inscription_id AND k.recorded_from <= %(known_at)s
         ORDER BY k.recorded_from DESC LIMIT 1) latest
     WHERE t.recorded_from <= %(at)s AND t.recorded_until > %(at)s AND latest.ends_at > %(at)s
       AND (%(organisation)s::text IS NULL OR t.organisation = %(organisation)s)
       AND t.inscription_id > %(after)s
     ORDER BY t.inscription_id LIMIT %(limit)s)
  UNION ALL
    (SELECT first.inscription_id, first.recorded_from, first.recorded_until, first.case_id, first.subject_id,
            first.organisation, first.inscribed_at, first.inscribed_on, first.term_months, first.last_listed_day,
            first.listed_until, first.ends_at, '{}', false, latest.subject_id
     FROM inscription_history first CROSS JOIN LATERAL (
         SELECT k.subject_id, k.ends_at FROM inscription_history k
         WHERE k.inscription_id = first.inscription_id AND k.recorded_from <= %(known_at)s
         ORDER BY k.recorded_from DESC LIMIT 1) latest
     WHERE first.inscribed_on < (first.inscribed_at AT TIME ZONE 'Europe/Paris')::date
       AND first.inscribed_on <= %(day)s::date
       AND first.recorded_from > %(at)s AND first.recorded_from <= %(known_at)s
       AND NOT EXISTS (SELECT FROM inscription_history earlier WHERE earlier.inscription_id = first.inscription_id
                       AND earlier.recorded_from < first.recorded_from)
       AND latest.ends_at > %(at)s
       AND (%(organisation)s::text IS NULL OR first.organisation = %(organisation)s)
       AND first.inscription_id > %(after)s
     ORDER BY first.inscription_id LIMIT %(limit)s)
) listed ORDER BY inscription_id LIMIT %(limit)s

-- name: entries_moved
-- the entries of which something began or ended between two instants: recorded then, or by their dates
SELECT DISTINCT inscription_id AS id FROM inscription_history
WHERE (recorded_from > %(first)s AND recorded_from <= %(second)s
       OR recorded_until > %(first)s AND recorded_until <= %(second)s
       OR ends_at > %(first)s AND ends_at <= %(second)s
       OR inscribed_on >= %(first_day)s::date AND inscribed_on <= %(second_day)s::date)
  AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
  AND inscription_id > %(after)s
ORDER BY inscription_id LIMIT %(limit)s

-- name: entries_ever_of
-- the entries that a subject ever had, its own and those it took over in a merge
SELECT DISTINCT inscription_id AS id FROM inscription_history
WHERE subject_id = %(subject_id)s AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
ORDER BY inscription_id

-- name: histories
-- all that was ever recorded of how these entries stood, and on which ground they went
SELECT h.inscription_id, h.recorded_from, h.recorded_until, h.case_id, h.subject_id, h.organisation, h.inscribed_at,
       h.inscribed_on, h.term_months, h.last_listed_day, h.listed_until, h.ends_at, h.held_by, h.restricted,
       i.delisting_ground
FROM inscription_history h LEFT JOIN inscriptions i USING (inscription_id)
WHERE h.inscription_id = ANY(%(ids)s) ORDER BY h.inscription_id, h.recorded_from
