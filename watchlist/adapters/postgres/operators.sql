-- name: add_organisation
INSERT INTO organisations (code) VALUES (%b) ON CONFLICT DO NOTHING

-- name: knows
SELECT EXISTS (SELECT FROM organisations WHERE code = %b) AS known

-- name: add_operator
INSERT INTO operators (operator_id, organisation, name, person) VALUES (%b, %b, %b, %b)
ON CONFLICT (organisation, person) DO NOTHING

-- name: operator_named
SELECT operator_id, organisation, name, left_at FROM operators WHERE organisation = %b AND person = %b

-- name: operator
SELECT operator_id, organisation, name, left_at FROM operators WHERE operator_id = %b

-- name: leave
UPDATE operators SET left_at = %b WHERE operator_id = %b AND left_at IS NULL

-- name: keep_key
INSERT INTO api_keys
    (key_id, operator_id, role, secret_sha256, issued_at, expires_at, scopes, sandbox, rotated_from, family)
VALUES (%b, %b, %b, %b, %b, %b, %b, %b, %b, %b)

-- name: end_nearer
-- the older key of a rotation; nothing when it lives no more
UPDATE api_keys SET expires_at = least(coalesce(expires_at, 'infinity'), %(until)s)
WHERE key_id = %(key_id)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %(at)s)

-- name: live_keys
SELECT count(*) AS living FROM api_keys
WHERE coalesce(family, key_id) = %b AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %b)

-- name: note_key_use
UPDATE api_keys SET last_used_at = %b
WHERE key_id = %b AND revoked_at IS NULL AND (last_used_at IS NULL OR last_used_at <= %b)

-- name: revoke
UPDATE api_keys SET revoked_at = %b WHERE key_id = %b AND revoked_at IS NULL

-- name: key
SELECT k.key_id, k.operator_id, k.role, k.secret_sha256, k.issued_at, k.expires_at, k.revoked_at, k.scopes,
       k.sandbox, k.family, k.rotated_from, k.last_used_at,
       o.organisation, o.name, o.left_at
FROM api_keys k JOIN operators o USING (operator_id) WHERE k.key_id = %b

-- name: operators
SELECT operator_id, organisation, name, left_at FROM operators
WHERE (%(organisation)s::text IS NULL OR organisation = %(organisation)s) AND operator_id > %(after)s
ORDER BY operator_id LIMIT %(limit)s

-- name: keys
SELECT k.key_id, k.operator_id, k.role, k.secret_sha256, k.issued_at, k.expires_at, k.revoked_at, k.scopes,
       k.sandbox, k.family, k.rotated_from, k.last_used_at,
       o.organisation, o.name, o.left_at
FROM api_keys k JOIN operators o USING (operator_id)
WHERE (%(organisation)s::text IS NULL OR o.organisation = %(organisation)s) AND k.key_id > %(after)s
ORDER BY k.key_id LIMIT %(limit)s

-- name: holder
SELECT o.operator_id, o.organisation, o.name, o.left_at, h.last_used_at
FROM token_holders h JOIN operators o USING (operator_id) WHERE h.holder = %b

-- name: keep_holder
INSERT INTO token_holders (holder, operator_id, roles, first_seen_at, last_used_at)
VALUES (%b, %b, %b, %b, %b) ON CONFLICT (holder) DO NOTHING

-- name: note_holder_use
UPDATE token_holders SET roles = %b, last_used_at = %b WHERE holder = %b AND last_used_at <= %b

-- name: review
INSERT INTO habilitation_reviews (operator_id, at, reviewed_by) VALUES (%b, %b, %b) ON CONFLICT DO NOTHING

-- name: habilitations
-- T2: what each operator holds at an instant; nothing that a leaver held opens any more
SELECT o.operator_id, o.organisation, o.name, o.left_at, keys.living, reviewed.at AS reviewed_at,
       least(keys.since, tokens.since) AS since,
       greatest(keys.last_used_at, tokens.last_used_at) AS last_used_at,
       ARRAY(SELECT DISTINCT unnest(keys.roles || tokens.roles) ORDER BY 1) AS roles
FROM operators o
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE lives) AS living, min(issued_at) AS since, max(last_used_at) AS last_used_at,
           coalesce(array_agg(role) FILTER (WHERE lives), '{}') AS roles
    FROM (SELECT k.role, k.issued_at, k.last_used_at,
                 o.left_at IS NULL AND k.revoked_at IS NULL
                      AND (k.expires_at IS NULL OR k.expires_at > %(at)s) AS lives
          FROM api_keys k WHERE k.operator_id = o.operator_id) AS held
) AS keys
CROSS JOIN LATERAL (
    SELECT min(first_seen_at) AS since, max(last_used_at) AS last_used_at,
           ARRAY(SELECT unnest(l.roles) FROM token_holders l
                 WHERE l.operator_id = o.operator_id AND o.left_at IS NULL) AS roles
    FROM token_holders h WHERE h.operator_id = o.operator_id
) AS tokens
CROSS JOIN LATERAL (
    SELECT max(r.at) AS at FROM habilitation_reviews r WHERE r.operator_id = o.operator_id
) AS reviewed
WHERE (%(organisation)s::text IS NULL OR o.organisation = %(organisation)s)
  AND (%(only)s::uuid IS NULL OR o.operator_id = %(only)s) AND o.operator_id > %(after)s
ORDER BY o.operator_id LIMIT %(limit)s
