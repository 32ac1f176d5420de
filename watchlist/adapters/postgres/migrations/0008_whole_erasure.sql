-- An erasure leaves nothing behind that was written while it was decided (P6).

-- under the lock, before a text is redacted: whether a letter is kept that may tell it and that the redaction
-- does not know: what it tells of a case is the case's, the rest the person's
CREATE FUNCTION watchlist.require_no_other_letter(owners uuid[], known uuid[]) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF EXISTS (SELECT FROM watchlist.vault v WHERE v.owner = ANY(owners) AND v.field IN ('letter_case', 'letter')
               AND v.ref <> ALL(known)) THEN
        RAISE EXCEPTION 'changed meanwhile' USING ERRCODE = 'unique_violation', CONSTRAINT = 'changed_meanwhile';
    END IF;
END $$;
