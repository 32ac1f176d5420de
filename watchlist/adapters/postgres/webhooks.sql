-- name: one_at_a_time
-- two that are added at once are counted one after the other
SELECT pg_advisory_xact_lock(hashtextextended('webhooks of ' || %b, 0))

-- name: add
-- it is sent what comes from now on: what was told before, by a replay
INSERT INTO webhooks (webhook_id, organisation, url, description, made_at, made_by, state, state_since, taken_until)
SELECT %(webhook)s, %(organisation)s, %(url)s, %(description)s, %(at)s, %(by)s, 'live', %(at)s,
       coalesce((SELECT last FROM change_sequences WHERE organisation = %(organisation)s), 0)
WHERE (SELECT count(*) FROM webhooks WHERE organisation = %(organisation)s) < %(most)s

-- name: first_secret
INSERT INTO webhook_secrets (webhook_id, number, salt, made_at) VALUES (%b, %b, %b, %b)

-- name: webhooks
SELECT webhook_id, organisation, url, description, made_at, made_by, state, state_since FROM webhooks
WHERE organisation = %b AND webhook_id > %b ORDER BY webhook_id LIMIT %b

-- name: webhook
SELECT webhook_id, organisation, url, description, made_at, made_by, state, state_since FROM webhooks
WHERE organisation = %b AND webhook_id = %b

-- name: unsent
-- what is taken up and not delivered, and what is not taken up yet
SELECT (SELECT count(*) FROM webhook_deliveries d WHERE d.webhook_id = w.webhook_id AND d.due_at IS NOT NULL)
     + (SELECT count(*) FROM changes c WHERE c.organisation = w.organisation AND c.sequence > w.taken_until) AS unsent
FROM webhooks w WHERE w.webhook_id = %(webhook)s
UNION ALL SELECT 0 LIMIT 1

-- name: remove
DELETE FROM webhooks WHERE organisation = %b AND webhook_id = %b

-- name: secrets
SELECT number, made_at, retired_at FROM webhook_secrets WHERE webhook_id = %b ORDER BY number

-- name: one_secret_at_a_time
SELECT FROM webhooks WHERE webhook_id = %b FOR NO KEY UPDATE

-- name: add_secret
INSERT INTO webhook_secrets (webhook_id, number, salt, made_at)
SELECT %(webhook)s, max(number) + 1, %(salt)s, %(at)s FROM webhook_secrets WHERE webhook_id = %(webhook)s
HAVING count(*) FILTER (WHERE retired_at IS NULL) BETWEEN 1 AND %(most)s - 1
RETURNING number

-- name: retire_secret
-- what it was derived from goes: nobody can sign with it again
UPDATE webhook_secrets SET salt = NULL, retired_at = %(at)s
WHERE webhook_id = %(webhook)s AND number = %(number)s AND retired_at IS NULL
  AND EXISTS (SELECT FROM webhook_secrets o
              WHERE o.webhook_id = %(webhook)s AND o.number <> %(number)s AND o.retired_at IS NULL)

-- name: retired
SELECT retired_at FROM webhook_secrets WHERE webhook_id = %(webhook)s AND number = %(number)s

-- name: attempts
SELECT attempt_id, sequence, attempt, at, status, failure, milliseconds FROM webhook_attempts
WHERE webhook_id = %b AND attempt_id > %b ORDER BY attempt_id LIMIT %b

-- name: revive
UPDATE webhooks SET state = 'live', state_since = %(at)s WHERE webhook_id = %(webhook)s AND state <> 'live'

-- name: replay
-- also what is being sent just now: how that ends is not recorded any more, so that nothing overtakes it
INSERT INTO webhook_deliveries AS d (webhook_id, sequence, organisation, due_at)
SELECT w.webhook_id, c.sequence, c.organisation, %(at)s
FROM webhooks w JOIN changes c USING (organisation)
WHERE w.webhook_id = %(webhook)s AND c.sequence <= w.taken_until
  AND (c.sequence > %(after)s OR EXISTS (
      SELECT FROM webhook_deliveries e
      WHERE e.webhook_id = w.webhook_id AND e.sequence = c.sequence AND e.due_at IS NOT NULL))
ON CONFLICT (webhook_id, sequence) DO UPDATE
    SET due_at = excluded.due_at, attempts = 0, tried_since = NULL, claim = NULL

-- name: take_up
-- changes get their numbers and are committed in one order: none comes behind the last that was taken up
WITH hooks AS MATERIALIZED (
    SELECT webhook_id, organisation, taken_until FROM webhooks w
    WHERE state = 'live' AND taken_until < (SELECT last FROM change_sequences s WHERE s.organisation = w.organisation)
    FOR UPDATE SKIP LOCKED
), new AS MATERIALIZED (
    SELECT h.webhook_id, c.sequence, c.organisation
    FROM hooks h JOIN changes c ON c.organisation = h.organisation AND c.sequence > h.taken_until
), kept AS (
    INSERT INTO webhook_deliveries (webhook_id, sequence, organisation, due_at)
    SELECT webhook_id, sequence, organisation, %(at)s FROM new ON CONFLICT DO NOTHING
)
UPDATE webhooks w SET taken_until = n.last
FROM (SELECT webhook_id, max(sequence) AS last FROM new GROUP BY webhook_id) n WHERE w.webhook_id = n.webhook_id

-- name: due
SELECT w.webhook_id FROM webhooks w
WHERE w.state = 'live' AND EXISTS (
    SELECT FROM webhook_deliveries d WHERE d.webhook_id = w.webhook_id AND d.due_at <= %b)
ORDER BY w.webhook_id

-- name: claim
-- of each entry, and of each question, only the oldest that is not delivered; no two senders get the same. Whatever a
-- change may have to wait for has a lower number: so the first thousand tell exactly which of them may go
WITH undelivered AS MATERIALIZED (
    SELECT d.sequence, c.inscription_id, c.screening_id, c.key
    FROM webhook_deliveries d JOIN changes c ON c.organisation = d.organisation AND c.sequence = d.sequence
    WHERE d.webhook_id = %(webhook)s AND d.due_at IS NOT NULL
    ORDER BY d.sequence LIMIT %(window)s
), ranked AS MATERIALIZED (
    SELECT sequence, row_number() OVER (PARTITION BY inscription_id ORDER BY sequence) AS of_entry,
           row_number() OVER (PARTITION BY screening_id, key ORDER BY sequence) AS of_question
    FROM undelivered
), heads AS (
    SELECT d.webhook_id, d.sequence
    FROM ranked r
    JOIN webhook_deliveries d ON d.webhook_id = %(webhook)s AND d.sequence = r.sequence
    JOIN webhooks w ON w.webhook_id = d.webhook_id
    WHERE r.of_entry = 1 AND r.of_question = 1 AND w.state = 'live' AND d.due_at <= %(at)s
    ORDER BY d.sequence LIMIT %(limit)s FOR UPDATE OF d SKIP LOCKED
), claimed AS (
    UPDATE webhook_deliveries d SET due_at = %(until)s, attempts = d.attempts + 1, claim = %(claim)s,
        tried_since = coalesce(d.tried_since, %(at)s)
    FROM heads WHERE d.webhook_id = heads.webhook_id AND d.sequence = heads.sequence
    RETURNING d.webhook_id, d.organisation, d.sequence, d.attempts, d.tried_since, d.claim
)
SELECT d.webhook_id, w.url, d.organisation, d.sequence, c.at AS changed_at, c.kind, c.screening_id, c.key,
       d.attempts, d.tried_since, d.claim, s.numbers, s.salts
FROM claimed d
JOIN webhooks w USING (webhook_id)
JOIN changes c ON c.organisation = d.organisation AND c.sequence = d.sequence
CROSS JOIN LATERAL (
    SELECT array_agg(number ORDER BY number DESC) AS numbers, array_agg(salt ORDER BY number DESC) AS salts
    FROM webhook_secrets WHERE webhook_id = d.webhook_id AND retired_at IS NULL) s

-- name: record
WITH known AS (
    SELECT webhook_id FROM webhooks WHERE webhook_id = %(webhook)s
), logged AS (
    INSERT INTO webhook_attempts (attempt_id, webhook_id, sequence, attempt, at, status, failure, milliseconds)
    SELECT %(attempt_id)s, webhook_id, %(sequence)s, %(attempt)s, %(at)s, %(status)s, %(failure)s, %(milliseconds)s
    FROM known
), stood AS (
    UPDATE webhooks SET state = %(state)s, state_since = %(at)s
    WHERE webhook_id = %(webhook)s AND state = 'live' AND %(state)s <> 'live'
)
UPDATE webhook_deliveries SET due_at = %(due_at)s, claim = NULL,
    attempts = CASE WHEN %(due_at)s::timestamptz IS NULL THEN 0 ELSE attempts END,
    tried_since = CASE WHEN %(due_at)s::timestamptz IS NULL THEN NULL ELSE tried_since END
WHERE webhook_id = %(webhook)s AND sequence = %(sequence)s AND claim = %(claim)s

-- name: stands
SELECT count(*) FILTER (WHERE w.state = 'live') AS live,
       count(*) FILTER (WHERE w.state = 'failing') AS failing,
       count(*) FILTER (WHERE w.state = 'disabled') AS disabled,
       coalesce(sum(d.unsent), 0)::bigint AS unsent,
       coalesce(sum(d.late) FILTER (WHERE w.state = 'live'), 0)::bigint AS late
FROM webhooks w CROSS JOIN LATERAL (
    SELECT count(*) AS unsent, count(*) FILTER (WHERE due_at < %(before)s) AS late
    FROM webhook_deliveries d WHERE d.webhook_id = w.webhook_id AND d.due_at IS NOT NULL) d

-- name: forget_attempts
DELETE FROM webhook_attempts WHERE at < %b
