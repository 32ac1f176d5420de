-- What reports for auditors compare (L5, L12, C1, C2): who decided an entry, and until when things were due that are
-- done. The rules that count are the code's: what they count is kept here, and SQL only compares it.
-- Columns alone: nobody waits for more than the catalogue. None is required: the version before does not fill them.

ALTER TABLE watchlist.inscriptions ADD COLUMN last_amended_by uuid, ADD COLUMN approved_by uuid;
ALTER TABLE watchlist.letters ADD COLUMN last_day date;
COMMENT ON COLUMN watchlist.letters.last_day IS 'L12: the last day on which it is not late, or was not when it was sent';
ALTER TABLE watchlist.cases ADD COLUMN data_due_at timestamptz;
COMMENT ON COLUMN watchlist.cases.data_due_at IS 'C1, C2: from when on its data are to be gone, or were to be; stays after the purge';
