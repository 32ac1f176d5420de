-- How reports are read (0019): in a transaction of its own, that nobody who reads waits behind.

-- the new columns are painted in batches, by whoever opens the house next: the rules stand in the code
INSERT INTO watchlist.letters_to_paint SELECT case_id FROM watchlist.cases ON CONFLICT DO NOTHING;

-- of columns that are empty still: each is one look through its table, and sorts nothing
CREATE INDEX letters_sent_late ON watchlist.letters (letter_id) WHERE sent_on > last_day OR hit_told_at IS NOT NULL;
CREATE INDEX inscriptions_not_four_eyed ON watchlist.inscriptions (inscription_id)
    WHERE approved_by = proposed_by OR approved_by = last_amended_by;
CREATE INDEX inscriptions_approved_by ON watchlist.inscriptions (approved_by, inscribed_at) WHERE approved_by IS NOT NULL;
CREATE INDEX cases_data_due ON watchlist.cases (data_due_at) WHERE purged_at IS NULL AND data_due_at IS NOT NULL;
CREATE INDEX cases_overstayed ON watchlist.cases ((purged_at - data_due_at))
    WHERE purged_at IS NOT NULL AND data_due_at IS NOT NULL;
