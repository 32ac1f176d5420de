-- Witnesses from outside (T4): a witness that refused a checkpoint because it had seen another history is remembered
-- for good. Names of witnesses and sizes only; nothing here is personal.

CREATE TABLE watchlist.witness_refusals (
    witness text NOT NULL,
    at timestamptz NOT NULL,
    size bigint NOT NULL REFERENCES watchlist.checkpoints,
    seen bigint CHECK (seen >= 0),
    PRIMARY KEY (witness, at)
);
COMMENT ON COLUMN watchlist.witness_refusals.size IS 'of the checkpoint that was refused';
COMMENT ON COLUMN watchlist.witness_refusals.seen IS 'the size that the witness had cosigned last; null: it did not say';

-- the largest that each witness cosigned, without reading those of the others
CREATE INDEX cosignatures_by_witness ON watchlist.cosignatures (witness, size);

CREATE TRIGGER refusals_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON watchlist.witness_refusals
    FOR EACH STATEMENT EXECUTE FUNCTION watchlist.refuse_change();
ALTER TABLE watchlist.witness_refusals ENABLE ALWAYS TRIGGER refusals_stay;
GRANT SELECT, INSERT ON watchlist.witness_refusals TO watchlist_service;
