-- An erasure leaves nothing behind that was written while it was decided (P6).

-- under the lock, before a text is redacted: whether a letter came to tell of its case that the redaction does not know
CREATE FUNCTION watchlist.require_no_other_letter(cases uuid[], known uuid[]) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF EXISTS (SELECT FROM watchlist.vault v WHERE v.owner = ANY(cases) AND v.field = 'letter_case'
               AND v.ref <> ALL(known)) THEN
        RAISE EXCEPTION 'changed meanwhile' USING ERRCODE = 'unique_violation', CONSTRAINT = 'changed_meanwhile';
    END IF;
END $$;
