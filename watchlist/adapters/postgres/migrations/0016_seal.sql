-- The log proves itself (T4): an RFC 9162 tree over every event and over daily digests of the access log and of the
-- disclosures, kept in tiles of 256 hashes; checkpoints of it, signed, cosigned and stamped. Nothing here is personal.

CREATE TABLE watchlist.seal_tiles (
    level smallint NOT NULL,
    tile bigint NOT NULL,
    hashes bytea NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
    PRIMARY KEY (level, tile)
);
COMMENT ON COLUMN watchlist.seal_tiles.level IS
    '0: hashes of leaves; n: roots of the complete subtrees of 256^n leaves';
COMMENT ON COLUMN watchlist.seal_tiles.hashes IS '32 bytes each, at most 256; complete subtrees only';
ALTER TABLE watchlist.seal_tiles ALTER hashes SET STORAGE EXTERNAL;

-- which leaf is what: an event by its position, a digest by its negative number
CREATE TABLE watchlist.seal_leaves (
    tile bigint PRIMARY KEY,
    first_position bigint,
    sources bigint[] NOT NULL CHECK (cardinality(sources) BETWEEN 1 AND 256)
);
COMMENT ON COLUMN watchlist.seal_leaves.first_position IS 'of the first event in the tile; null: digests alone';
CREATE INDEX seal_leaves_from ON watchlist.seal_leaves (first_position);

CREATE TABLE watchlist.seal_digests (
    digest_id bigint PRIMARY KEY CHECK (digest_id > 0),
    register text NOT NULL CHECK (register IN ('accesses', 'disclosures')),
    day date NOT NULL,
    rows bigint NOT NULL,
    sha256 bytea NOT NULL,
    UNIQUE (register, day)
);
COMMENT ON COLUMN watchlist.seal_digests.sha256 IS 'of the rows of that day (UTC) that stay as they are, in their order';

CREATE TABLE watchlist.seal_keys (
    key text PRIMARY KEY,
    since timestamptz NOT NULL
);
COMMENT ON COLUMN watchlist.seal_keys.key IS 'public, as notes name them (C2SP signed-note)';

CREATE TABLE watchlist.checkpoints (
    size bigint PRIMARY KEY,
    root bytea NOT NULL,
    at timestamptz NOT NULL,
    position bigint NOT NULL,
    note text NOT NULL
);
COMMENT ON COLUMN watchlist.checkpoints.note IS 'as the log signed it; cosignatures are kept apart';
CREATE TABLE watchlist.cosignatures (
    size bigint NOT NULL REFERENCES watchlist.checkpoints,
    witness text NOT NULL,
    line text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (size, witness)
);
COMMENT ON COLUMN watchlist.cosignatures.witness IS 'name and key number, as in the line';
CREATE TABLE watchlist.stamps (
    size bigint NOT NULL REFERENCES watchlist.checkpoints,
    at timestamptz NOT NULL,
    authority text NOT NULL,
    token bytea NOT NULL,
    PRIMARY KEY (size, authority, at)
);

-- What is sealed only ever grows: a tile gets longer and keeps what it begins with; the rest is only added to.
CREATE FUNCTION watchlist.refuse_resealing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'seal_tiles' THEN
        IF NEW.level = OLD.level AND NEW.tile = OLD.tile
           AND length(NEW.hashes) > length(OLD.hashes)
           AND substr(NEW.hashes, 1, length(OLD.hashes)) = OLD.hashes THEN RETURN NEW; END IF;
    END IF;
    RAISE EXCEPTION 'what is sealed stays: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE FUNCTION watchlist.refuse_other_leaves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.tile = OLD.tile AND cardinality(NEW.sources) > cardinality(OLD.sources)
           AND NEW.sources[:cardinality(OLD.sources)] = OLD.sources
           AND (OLD.first_position IS NULL OR NEW.first_position = OLD.first_position) THEN RETURN NEW; END IF;
    END IF;
    RAISE EXCEPTION 'what is sealed stays: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
DO $$
DECLARE sealed text;
BEGIN
    FOREACH sealed IN ARRAY '{seal_tiles,seal_leaves,seal_digests,seal_keys,checkpoints,cosignatures,stamps}'::text[] LOOP
        EXECUTE format('CREATE TRIGGER sealed_stays BEFORE UPDATE OR DELETE ON watchlist.%I FOR EACH ROW
            EXECUTE FUNCTION watchlist.%I()', sealed,
            CASE sealed WHEN 'seal_leaves' THEN 'refuse_other_leaves' ELSE 'refuse_resealing' END);
        EXECUTE format('CREATE TRIGGER sealed_is_not_emptied BEFORE TRUNCATE ON watchlist.%I FOR EACH STATEMENT
            EXECUTE FUNCTION watchlist.refuse_resealing()', sealed);
        EXECUTE format('ALTER TABLE watchlist.%I ENABLE ALWAYS TRIGGER sealed_stays', sealed);
        EXECUTE format('ALTER TABLE watchlist.%I ENABLE ALWAYS TRIGGER sealed_is_not_emptied', sealed);
    END LOOP;
END $$;
GRANT SELECT, INSERT ON watchlist.seal_tiles, watchlist.seal_leaves, watchlist.seal_digests, watchlist.seal_keys,
    watchlist.checkpoints, watchlist.cosignatures, watchlist.stamps TO watchlist_service;
GRANT UPDATE (hashes) ON watchlist.seal_tiles TO watchlist_service;
GRANT UPDATE (sources, first_position) ON watchlist.seal_leaves TO watchlist_service;
