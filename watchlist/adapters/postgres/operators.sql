-- name: add_organisation
INSERT INTO organisations (code) VALUES (%b) ON CONFLICT DO NOTHING

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
INSERT INTO api_keys (key_id, operator_id, role, secret_sha256, issued_at, expires_at)
VALUES (%b, %b, %b, %b, %b, %b)

-- name: revoke
UPDATE api_keys SET revoked_at = %b WHERE key_id = %b AND revoked_at IS NULL

-- name: key
SELECT k.*, o.organisation, o.name, o.left_at
FROM api_keys k JOIN operators o USING (operator_id) WHERE k.key_id = %b

-- name: operators
SELECT operator_id, organisation, name, left_at FROM operators
WHERE (%(organisation)s::text IS NULL OR organisation = %(organisation)s) AND operator_id > %(after)s
ORDER BY operator_id LIMIT %(limit)s

-- name: keys
SELECT k.*, o.organisation, o.name, o.left_at
FROM api_keys k JOIN operators o USING (operator_id)
WHERE (%(organisation)s::text IS NULL OR o.organisation = %(organisation)s) AND k.key_id > %(after)s
ORDER BY k.key_id LIMIT %(limit)s
