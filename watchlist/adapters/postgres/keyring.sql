-- name: create
-- keys of new owners, all or none
INSERT INTO watchlist_keys.data_keys (owner, wrapped) SELECT * FROM unnest(%b::uuid[], %b::bytea[])

-- name: keys
-- null: destroyed
SELECT owner, wrapped FROM watchlist_keys.data_keys WHERE owner = ANY(%b)

-- name: standing
SELECT owner, wrapped IS NOT NULL AS held FROM watchlist_keys.data_keys WHERE owner = ANY(%b)

-- name: destroy
-- for good; an owner without a key gets the mark too, so that it never has one
WITH marked AS (
    INSERT INTO watchlist_keys.data_keys (owner) SELECT DISTINCT unnest(%(owners)s::uuid[]) ON CONFLICT DO NOTHING
), gone AS (
    UPDATE watchlist_keys.data_keys SET wrapped = NULL
    WHERE owner = ANY(%(owners)s) AND wrapped IS NOT NULL RETURNING owner
)
SELECT count(*) AS destroyed FROM gone

-- name: older
SELECT owner FROM watchlist_keys.data_keys
WHERE wrapped IS NOT NULL AND made_at < now() - %b::interval AND owner > %b ORDER BY owner LIMIT %b

-- name: make_lookup_key
-- the first who comes makes it
INSERT INTO watchlist_keys.lookup_keys (generation, wrapped) VALUES (%b, %b) ON CONFLICT DO NOTHING

-- name: lookup_keys
SELECT generation, wrapped FROM watchlist_keys.lookup_keys WHERE wrapped IS NOT NULL ORDER BY generation

-- name: destroy_lookup_key
UPDATE watchlist_keys.lookup_keys SET wrapped = NULL WHERE generation = %b AND wrapped IS NOT NULL

-- name: has_keys
SELECT EXISTS (SELECT FROM watchlist_keys.data_keys) OR EXISTS (SELECT FROM watchlist_keys.lookup_keys) AS has

-- name: counted
-- how many keys, by the header of the master key they are wrapped under (null: from before there was one)
SELECT CASE WHEN length(wrapped) > 60 THEN substr(wrapped, 1, 9) END AS header,
       count(*) FILTER (WHERE wrapped IS NOT NULL) AS held, count(*) FILTER (WHERE wrapped IS NULL) AS destroyed
FROM watchlist_keys.data_keys GROUP BY 1 ORDER BY 1

-- name: lookup_keys_counted
SELECT CASE WHEN length(wrapped) > 60 THEN substr(wrapped, 1, 9) END AS header, count(*) AS held
FROM watchlist_keys.lookup_keys WHERE wrapped IS NOT NULL GROUP BY 1 ORDER BY 1

-- name: unopenable
SELECT count(*) AS n FROM watchlist_keys.data_keys
WHERE length(wrapped) > 60 AND substr(wrapped, 1, 9) <> ALL(%b::bytea[])

-- name: to_rewrap
-- keys that are not wrapped under the master key of now
SELECT owner, wrapped FROM watchlist_keys.data_keys
WHERE wrapped IS NOT NULL AND substr(wrapped, 1, 9) <> %b AND owner > %b ORDER BY owner LIMIT %b

-- name: rewrap
-- unless it was destroyed, or wrapped by another, meanwhile
UPDATE watchlist_keys.data_keys d SET wrapped = n.wrapped
FROM unnest(%b::uuid[], %b::bytea[], %b::bytea[]) AS n (owner, was, wrapped)
WHERE d.owner = n.owner AND d.wrapped = n.was

-- name: rewrap_lookup_key
UPDATE watchlist_keys.lookup_keys SET wrapped = %b WHERE generation = %b AND wrapped = %b
