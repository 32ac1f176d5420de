"""What an auditor finds out with a bundle: who signed, who cosigned, and whether it is the history of before."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from tests.audit.logbook import (
    BEGINNING,
    ORIGIN,
    WITNESS,
    Key,
    Logbook,
    Signer,
    a_digest,
    an_event,
    note_text,
    some_leaves,
)
from watchlist.audit import verifier
from watchlist.audit.bundle import pack, signed_manifest
from watchlist.audit.verifier import (
    CHECKPOINTS,
    COSIGNATURE,
    HASHES,
    KEYS,
    LEAVES,
    MANIFEST,
    Entry,
    Known,
    Manifest,
    Note,
    Part,
    Signature,
    canonical,
    differences,
    leaf_hash,
    main,
    notes_in,
    place_of,
    signed_text,
    told,
    verify,
)
from watchlist.ports.seal import Stamp

SIZES = (7, 20, 25)
GOLDEN = "ccc0233c6ef916f396097fc7156248d869083059df27b965bb2e4a23904ce71d"


@pytest.fixture
def log():
    return Logbook(some_leaves(25), SIZES)


@pytest.fixture
def bundle(log, tmp_path):
    log.export(tmp_path / "bundle")
    return tmp_path / "bundle"


def whats(report):
    return [(one.what, one.file, one.line, one.leaf_index, one.position) for one in report.findings]


def resign(bundle: Path, signer: Signer, size: int = 25) -> None:
    """The manifest again, over the files as they are: whoever holds the key of the log can do this."""
    names = sorted(
        (one.relative_to(bundle).as_posix() for one in bundle.rglob("*.*")), key=lambda n: _place(n)
    )
    entries = [Part(name, bundle / name, 0, (bundle / name).stat().st_size).entry() for name in names[1:]]
    (bundle / MANIFEST).write_text(str(signed_manifest(ORIGIN, size, entries, signer)))


def _place(name: str) -> tuple[int, ...]:
    return (-1,) if name == MANIFEST else place_of(name)


# What is right --------------------------------------------------------------------------------


def test_a_bundle_says_what_is_in_it_and_who_stands_for_it(bundle, log):
    report = verify(bundle, Known((log.signer.keys[0],), (WITNESS.public,)))
    assert report.right
    assert report.not_checked == []
    assert (report.origin, report.size, report.leaves, report.checkpoints) == (ORIGIN, 25, 25, 3)
    assert report.root == log.notes[-1].root.hex()
    assert report.last_position == 2 * 24 + 1
    assert report.cosigned == {str(WITNESS.public): 25}
    assert told(report) == (
        f"all right: 25 leaves, 3 checkpoints of {ORIGIN}\ncosigned up to 25 leaves by witness.invalid"
    )


def test_without_a_key_of_ones_own_it_is_said_whose_word_is_taken(bundle):
    report = verify(bundle)
    assert report.right
    assert "compare those in the file with the published ones" in report.not_checked[0]


def test_one_file_and_a_folder_are_the_same_bundle(bundle, tmp_path):
    pack(bundle, tmp_path / "packed.tar")
    assert verify(tmp_path / "packed.tar").right
    shutil.unpack_archive(tmp_path / "packed.tar", tmp_path / "unpacked")
    assert verify(tmp_path / "unpacked").right
    for name in (MANIFEST, KEYS, CHECKPOINTS, HASHES, LEAVES):
        assert (tmp_path / "unpacked" / name).read_bytes() == (bundle / name).read_bytes()


def test_a_bundle_is_written_as_it_always_was(log, tmp_path):
    """Byte by byte: a bundle of today is verified by the verifier of tomorrow, and the other way round."""
    log.kept_stamps = [Stamp(7, BEGINNING, "authority", b"token")]
    log.export(tmp_path / "bundle.tar")
    assert hashlib.sha256((tmp_path / "bundle.tar").read_bytes()).hexdigest() == GOLDEN


def test_the_header_of_a_large_file_has_its_size(tmp_path):
    for length in (0, 8**11 - 1, 8**11, 2**87 + 1):
        assert verifier._header_read(verifier.tar_header("leaves.ndjson", length)) == (
            "leaves.ndjson",
            length,
        )
        assert len(verifier.tar_header("leaves.ndjson", length)) == 512


def test_after_a_rotation_whoever_trusts_the_old_key_can_follow(tmp_path):
    old, new = Key(1), Key(2)
    log = Logbook(some_leaves(20), [7], Signer(old))
    log.signer = Signer(new, old)
    log.notes.append(log._publish(20))
    log.export(tmp_path / "bundle")
    for trusted in (old, new):
        assert verify(tmp_path / "bundle", Known((trusted.public,))).right
    report = verify(tmp_path / "bundle", Known((Key(3).public,)))
    assert whats(report) == [
        ("unproven", MANIFEST, None, None, None),
        ("unproven", CHECKPOINTS, None, None, None),
    ]
    assert all("none of the keys given" in one.detail for one in report.findings)


def test_the_newest_key_may_sign_a_bundle_before_it_is_among_the_keys(tmp_path):
    old, new = Key(1), Key(2)
    log = Logbook(some_leaves(20), [7, 20], Signer(old))
    log.signer = Signer(new, old)
    log.export(tmp_path / "bundle")
    (tmp_path / "bundle" / KEYS).write_text(f"{old.public}\n")
    resign(tmp_path / "bundle", log.signer, 20)
    for known in (Known(), Known((old.public,)), Known((old.public, old.public))):
        report = verify(tmp_path / "bundle", known)
        assert report.right
        assert report.not_checked[0] == "1 signatures of manifest.note: their keys are not named"
    report = verify(tmp_path / "bundle", Known((new.public,)))
    assert [one.detail for one in report.findings] == [
        "the last checkpoint is signed by none of the keys given"
    ]
    log.signer = Signer(new)
    resign(tmp_path / "bundle", log.signer, 20)
    assert [one.detail for one in verify(tmp_path / "bundle").findings] == [
        "signed by no key that is among the keys"
    ]


# What was changed -----------------------------------------------------------------------------


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(True)


def edit(path: Path, change) -> None:
    lines = lines_of(path)
    change(lines)
    path.write_bytes(b"".join(lines))


def test_a_leaf_that_was_changed_is_named_with_its_position(bundle):
    edit(bundle / LEAVES, lambda lines: lines.__setitem__(3, lines[3].replace(b"0003", b"0004")))
    report = verify(bundle)
    assert whats(report) == [("changed", LEAVES, 4, 3, None)]
    assert report.findings[0].offset == sum(map(len, lines_of(bundle / LEAVES)[:3]))
    assert report.findings[0].detail == "not what was sealed"


def test_leaves_that_are_missing_added_or_elsewhere_are_named(bundle):
    whole = (bundle / LEAVES).read_bytes()

    def found(change):
        (bundle / LEAVES).write_bytes(whole)
        edit(bundle / LEAVES, change)
        return whats(verify(bundle))

    assert found(lambda lines: lines.__delitem__(3)) == [("missing", LEAVES, 4, 3, None)]
    assert found(lambda lines: lines.__delitem__(slice(3, 6))) == [("missing", LEAVES, 4, 3, None)]
    assert found(lambda lines: lines.insert(3, an_event(99) + b"\n")) == [("added", LEAVES, 4, 3, None)]
    assert found(lambda lines: lines.append(an_event(99) + b"\n")) == [("added", LEAVES, 26, 25, None)]
    swapped = found(lambda lines: lines.__setitem__(slice(3, 5), [lines[4], lines[3]]))
    assert swapped == [("reordered", LEAVES, 4, 3, None), ("reordered", LEAVES, 5, 4, None)]
    ended = found(lambda lines: lines.__setitem__(24, lines[24][:-1]))
    assert ended == [("changed", LEAVES, 25, 24, None)]


def test_hashes_that_were_changed_are_not_blamed_on_the_leaves(bundle):
    edit(bundle / HASHES, lambda lines: lines.__setitem__(3, lines[4]))
    assert [(one.file, one.line) for one in verify(bundle).findings] == [(HASHES, 4)]


def test_leaf_and_hash_changed_together_are_known_by_the_checkpoints_around_them(bundle):
    edit(bundle / LEAVES, lambda lines: lines.__setitem__(10, an_event(77) + b"\n"))
    edit(bundle / HASHES, lambda lines: lines.__setitem__(10, leaf_hash(an_event(77)).hex().encode() + b"\n"))
    report = verify(bundle)
    assert [(one.file, one.leaf_index) for one in report.findings] == [(LEAVES, 7), (HASHES, None)]
    assert "one of the leaves 7 to 19" in report.findings[0].detail


def test_with_a_changed_manifest_the_checkpoints_say_which_of_two_is_right(bundle):
    edit(bundle / MANIFEST, lambda lines: lines.__setitem__(2, b"24\n"))
    assert whats(verify(bundle)) == [("changed", MANIFEST, 3, None, None)]
    edit(bundle / HASHES, lambda lines: lines.__setitem__(3, lines[4]))
    assert [one.file for one in verify(bundle).findings] == [MANIFEST, HASHES]
    edit(
        bundle / HASHES,
        lambda lines: lines.__setitem__(3, leaf_hash(some_leaves(25)[3]).hex().encode() + b"\n"),
    )
    edit(bundle / LEAVES, lambda lines: lines.__setitem__(3, lines[4]))
    assert [one.file for one in verify(bundle).findings] == [MANIFEST, LEAVES]


def test_files_that_are_missing_or_too_many_are_named(bundle):
    (bundle / "more.txt").write_text("more")
    (bundle / "stamps").mkdir()
    (bundle / "link").symlink_to(bundle / KEYS)
    found = whats(verify(bundle))
    assert found == [
        ("added", "more.txt", None, None, None),
        ("added", "link", None, None, None),
        ("added", "stamps", None, None, None),
    ]
    for name in ("more.txt", "link"):
        (bundle / name).unlink()
    (bundle / "stamps").rmdir()
    for name in (KEYS, CHECKPOINTS, HASHES, LEAVES, MANIFEST):
        (bundle / name).rename(bundle.parent / "away")
        assert ("missing", name, None, None, None) in whats(verify(bundle)), name
        (bundle.parent / "away").rename(bundle / name)
    assert verify(bundle).right


def test_a_container_is_read_no_further_than_its_headers_hold(log, tmp_path):
    path = tmp_path / "bundle.tar"
    log.export(path)
    whole = path.read_bytes()
    keys = verifier.parts_of(path).named[KEYS]
    found = {}
    for name, changed in {
        "header": whole[: keys.start - 512] + b"K" + whole[keys.start - 511 :],
        "padding": whole[: keys.start + keys.length] + b"x" + whole[keys.start + keys.length + 1 :],
        "end": whole + b"\0",
        "twice": whole[:-1024] + whole[keys.start - 512 : keys.start + 512] + whole[-1024:],
        "cut": whole[: keys.start - 100],
        "nothing": b"",
    }.items():
        path.write_bytes(changed)
        report = verify(path)
        found[name] = [(one.what, one.file, one.offset, one.last_offset) for one in report.findings]
        assert any("container" in one for one in report.not_checked) == (name != "padding"), name
    before = keys.start - 512
    after = keys.start + keys.length
    assert found["header"][0][:2] == ("changed", "bundle.tar")
    assert found["header"][0][2] < before
    assert found["header"][0][3] == keys.start
    assert found["padding"] == [("changed", "bundle.tar", after, keys.start + 512)]
    assert found["end"][0][3] == len(whole) + 1
    assert len(found["twice"]) == 1
    assert len(found["cut"]) == 1
    assert found["nothing"] == [("changed", "bundle.tar", 0, 512)]


def test_of_many_findings_some_are_listed_and_the_rest_counted(tmp_path):
    log = Logbook(some_leaves(600), [600])
    log.export(tmp_path / "bundle")
    edit(
        tmp_path / "bundle" / LEAVES,
        lambda lines: lines.__setitem__(slice(None), [b" " + line for line in lines]),
    )
    report = verify(tmp_path / "bundle")
    assert len(report.findings) == verifier.MOST_FINDINGS
    assert report.more == 600 - verifier.MOST_FINDINGS
    assert told(report).startswith("NOT right: 600 findings\nchanged: leaves.ndjson, line 1, byte 0, leaf 0:")
    assert "... and 400 more" in told(report)


# What whoever holds the key of the log can do, and how it is found -----------------------------


def rewritten(log: Logbook) -> Logbook:
    """Another history, every checkpoint of it signed again with the key of the log."""
    leaves = [*log.all]
    leaves[3] = leaves[3].replace(b"0003", b"9999")
    return Logbook(leaves, SIZES, log.signer, witness=None)


def test_a_history_rewritten_with_the_logs_own_key_is_caught_by_the_witness_checkpoint(log, tmp_path):
    earlier = tmp_path / "kept-by-the-witness.note"
    earlier.write_text(log.notes[1].note)
    rewritten(log).export(tmp_path / "bundle")
    trusting = Known((log.signer.keys[0],))
    assert verify(tmp_path / "bundle", trusting).right, "the log's own key cannot tell"
    report = verify(tmp_path / "bundle", Known(trusting.keys, (WITNESS.public,), (earlier,)))
    assert whats(report) == [
        ("changed", earlier.name, None, 20, None),
        ("unproven", CHECKPOINTS, None, None, None),
    ]
    assert report.findings[0].detail == "the first 20 leaves were others when this was published"
    assert report.findings[1].detail == "no checkpoint is cosigned by witness.invalid"


def test_an_earlier_checkpoint_of_the_same_history_holds(log, bundle, tmp_path):
    kept = []
    for number, note in enumerate(log.notes):
        kept.append(tmp_path / f"{number}.note")
        kept[-1].write_text(note.note)
    assert verify(bundle, Known(earlier=tuple(reversed(kept)))).right


def test_an_earlier_checkpoint_that_the_bundle_does_not_reach_is_said(log, bundle, tmp_path):
    longer = Logbook(some_leaves(40), [40], log.signer)
    (tmp_path / "later.note").write_text(longer.notes[0].note)
    report = verify(bundle, Known(earlier=(tmp_path / "later.note",)))
    assert whats(report) == [("missing", "later.note", None, 25, None)]


def test_a_damaged_bundle_does_not_make_a_checkpoint_that_was_kept_look_like_another(log, bundle, tmp_path):
    kept = tmp_path / "kept.note"
    kept.write_text(str(log.signer.sign(note_text(20, log.all))))
    known = Known((log.signer.keys[0],), (WITNESS.public,), (kept,))

    def judged(file: str) -> list[str]:
        whole = (bundle / file).read_bytes()
        (bundle / file).write_bytes(whole.replace(b"\n20\n", b"\n21\n").replace(b"watchlist", b"watchlisu"))
        both = verify(bundle, known), verify(bundle, Known(earlier=(kept,)))
        (bundle / file).write_bytes(whole)
        assert {one.file for report in both for one in report.findings} == {file}
        return [one for report in both for one in report.not_checked]

    assert f"{kept.name}: the bundle could not be read up to its leaves" in judged(CHECKPOINTS)
    assert f"{kept.name}: by whom it is signed, the keys not being as they were" in judged(KEYS)


def test_leaves_that_were_changed_with_their_hashes_are_not_blamed_on_what_was_kept(log, bundle, tmp_path):
    (tmp_path / "kept.note").write_text(log.notes[1].note)
    edit(bundle / LEAVES, lambda lines: lines.__setitem__(10, an_event(77) + b"\n"))
    edit(bundle / HASHES, lambda lines: lines.__setitem__(10, leaf_hash(an_event(77)).hex().encode() + b"\n"))
    report = verify(bundle, Known(earlier=(tmp_path / "kept.note",)))
    assert {one.file for one in report.findings} == {LEAVES, HASHES}
    assert "kept.note: the leaves are not as they were" in report.not_checked


def test_a_torn_container_does_not_say_who_did_not_sign(log, tmp_path):
    path = tmp_path / "bundle.tar"
    log.export(path)
    keys = verifier.parts_of(path).named[KEYS]
    whole = path.read_bytes()
    path.write_bytes(whole[: keys.start] + b"x" + whole[keys.start :])
    (tmp_path / "kept.note").write_text(log.notes[1].note)
    report = verify(path, Known((log.signer.keys[0],), (WITNESS.public,), (tmp_path / "kept.note",)))
    assert {one.file for one in report.findings} <= {KEYS, path.name}
    assert not report.right


def test_a_key_that_only_the_bundle_names_does_not_vouch_for_the_last_checkpoint(tmp_path):
    """Whoever owns the database can write a key among the published ones, and checkpoints signed with it."""
    owner = Key(66)
    Logbook(some_leaves(25), SIZES, Signer(owner)).export(tmp_path / "bundle")
    with_both = [str(Key(1).public), str(owner.public)]
    (tmp_path / "bundle" / KEYS).write_text("".join(f"{key}\n" for key in with_both))
    resign(tmp_path / "bundle", Signer(Key(1)))
    assert verify(tmp_path / "bundle").right, "whose keys these are is not known"
    found = verify(tmp_path / "bundle", Known((Key(1).public,))).findings
    assert [(one.file, one.detail) for one in found] == [
        (CHECKPOINTS, "the last checkpoint is signed by none of the keys given")
    ]


def test_an_earlier_checkpoint_must_be_somebodys_and_of_this_log(log, bundle, tmp_path):
    path = tmp_path / "some.note"

    def found(note: str) -> list[str]:
        path.write_text(note)
        return [one.detail for one in verify(bundle, Known(earlier=(path,))).findings]

    text = note_text(7, log.all)
    assert found(str(Note(text, (WITNESS.cosign(text, 1),)))) == []
    assert found(str(Note(text, (Key(5).sign(text),)))) == ["signed by no key that is known"]
    assert found("no note") == ["not a note: a text, an empty line and signatures"]
    other = text.replace(ORIGIN, "another.invalid/log")
    assert found(str(Note(other, (log.signer.sign(other).signatures)))) == ["a checkpoint of another log"]
    forged = str(log.signer.sign(text)).replace("\n7\n", "\n8\n")
    assert f"the signature of {ORIGIN} does not hold" in found(forged)


def test_checkpoints_that_the_log_signed_and_that_are_not_of_its_leaves_are_named(bundle, log):
    notes = [one.note for one in log.notes]
    other = note_text(20, [a_digest(1), *log.all])
    unsigned = Note(note_text(20, log.all), (Key(6).sign("x"),))
    cases = {
        "the first 20 leaves have another root": [notes[0], str(log.signer.sign(other)), notes[2]],
        "not a later checkpoint of the same log": [notes[0], notes[1], notes[1], notes[2]],
        "signed by no key of the log": [notes[0], str(unsigned), notes[2]],
        "signed twice by one key": [
            notes[0],
            notes[1] + log.signer.sign(note_text(20, log.all)).signatures[0].line(),
        ],
    }
    for detail, written in cases.items():
        (bundle / CHECKPOINTS).write_text("\n".join(written))
        resign(bundle, log.signer)
        report = verify(bundle)
        assert (detail, CHECKPOINTS) in [(one.detail, one.file) for one in report.findings], report.findings


def test_leaves_behind_the_last_checkpoint_are_not_sealed(bundle, log):
    (bundle / CHECKPOINTS).write_text("\n".join(one.note for one in log.notes[:2]))
    resign(bundle, log.signer, 20)
    assert whats(verify(bundle)) == [("added", LEAVES, None, 20, None)]
    resign(bundle, log.signer, 25)
    assert [one.file for one in verify(bundle).findings] == [LEAVES, MANIFEST]


def test_a_log_that_seals_what_is_no_event_is_told_so(tmp_path):
    leaves = [an_event(4), a_digest(1), b'{"position":3}', an_event(2), an_event(2), an_event(5)]
    Logbook(leaves, [6]).export(tmp_path / "bundle")
    report = verify(tmp_path / "bundle")
    assert [(one.what, one.leaf_index, one.position) for one in report.findings] == [
        ("unproven", 2, None),
        ("unproven", 3, 5),
        ("unproven", 4, 5),
    ]
    assert [one.line for one in report.findings] == [3, 4, 5]
    assert report.findings[1].detail == "an event of position 5 behind one of 9"
    assert report.last_position == 11


def test_a_manifest_names_its_files_once_and_in_their_order(bundle, log):
    good = Manifest.parse(Note.parse((bundle / MANIFEST).read_bytes()).text)
    entries = good.files
    for files in (entries[::-1], (*entries, entries[-1]), (*entries, Entry("0" * 64, 1, "more.txt"))):
        text = Manifest(ORIGIN, 25, good.signers, tuple(files)).text()
        (bundle / MANIFEST).write_text(str(log.signer.sign(text)))
        assert [one.file for one in verify(bundle).findings] == [MANIFEST]
    for text in (
        good.text().replace("bundle/v1", "bundle/v2"),
        good.text().replace("\n25\n", "\n025\n"),
        good.text() + "more\n",
        "".join(line for line in good.text().splitlines(True) if not line.startswith("by ")),
    ):
        with pytest.raises(verifier.Broken, match="not a manifest"):
            Manifest.parse(text)


def test_a_manifest_that_leaves_out_the_leaves_is_no_way_around_them(bundle, log):
    for name in (LEAVES, HASHES, CHECKPOINTS, KEYS):
        content = (bundle / name).read_bytes()
        (bundle / name).unlink()
        resign(bundle, log.signer)
        found = verify(bundle, Known((log.signer.keys[0],))).findings
        assert ("missing", name) in [(one.what, one.file) for one in found]
        (bundle / name).write_bytes(content)


def test_a_manifest_of_another_log_is_refused(bundle, log):
    other = Key(1, "another.invalid")
    with (bundle / KEYS).open("a") as file:
        file.write(f"{other.public}\n")
    resign(bundle, Signer(other))
    assert MANIFEST in [one.file for one in verify(bundle).findings]


def test_a_key_is_named_once(bundle, log):
    key = log.keys()[0]
    (bundle / KEYS).write_text(f"{key}\n{key}\n")
    resign(bundle, log.signer)
    assert whats(verify(bundle)) == [("changed", KEYS, 2, None, None)]


# Lines ----------------------------------------------------------------------------------------


def test_notes_are_told_apart_by_an_empty_line():
    lines = [b"a\n", b"b\n", b"\n", b"-\n", b"\n", b"c\n", b"\n", b"-\n", b"-\n"]
    assert list(notes_in(lines)) == [(b"a\nb\n\n-\n", 1, 5, 0), (b"c\n\n-\n-\n", 5, 9, 8)]
    assert list(notes_in([])) == [(b"", 1, 0, 0)]


def letters(text: str) -> list[bytes]:
    return [letter.encode() for letter in text]


@pytest.mark.parametrize(
    ("expected", "found", "told"),
    [
        ("abc", "abc", []),
        ("abc", "axc", [("changed", 1, 2, 1, 2)]),
        ("abc", "ac", [("missing", 1, 2, 1, 1)]),
        ("ac", "abc", [("added", 1, 1, 1, 2)]),
        ("abc", "", [("missing", 0, 3, 0, 0)]),
        ("", "abc", [("added", 0, 0, 0, 3)]),
        ("abcd", "acbd", [("reordered", 1, 2, 1, 2), ("reordered", 2, 3, 2, 3)]),
        ("abcd", "axyd", [("changed", 1, 2, 1, 2), ("changed", 2, 3, 2, 3)]),
        ("aab", "ab", [("missing", 1, 2, 1, 1)]),
        ("abcdefgh", "xabcdefg", [("added", 0, 0, 0, 1), ("missing", 7, 8, 8, 8)]),
        ("abcde", "xyb", [("changed", 0, 1, 0, 1), ("added", 1, 1, 1, 2), ("missing", 2, 5, 3, 3)]),
        ("abcdefgh", "acdefgbh", [("missing", 1, 2, 1, 1), ("reordered", 7, 7, 6, 7)]),
    ],
)
def test_lines_are_compared_as_a_reader_would(expected, found, told):
    assert list(differences(letters(expected), letters(found))) == told


def test_very_long_stretches_are_compared_line_by_line():
    many = [b"%d" % number for number in range(3 * verifier.ALIGNED)]
    shifted = [b"new", *many[:-1]]
    assert {one[0] for one in differences(many, shifted)} == {"changed", "reordered"}
    shorter = many[100:]
    assert next(differences(many, [b"new", *shorter[1:-1], b"end"]))[3:] == (0, 1)


# A dossier ------------------------------------------------------------------------------------


@pytest.fixture
def dossier(log, tmp_path):
    made = log.dossier(1, 7, 21)
    made["signature"] = str(log.signer.sign(signed_text(made)))
    path = tmp_path / "dossier.json"
    path.write_bytes(canonical(made))
    return path


def test_a_dossier_is_proven_by_the_checkpoint_that_it_carries(dossier, log):
    report = verify(dossier, Known((log.signer.keys[0],), (WITNESS.public,)))
    assert report.right
    assert report.not_checked == []
    assert (report.leaves, report.size, report.checkpoints, report.origin) == (3, 25, 1, ORIGIN)
    assert report.root == log.notes[-1].root.hex()
    assert not verify(dossier, Known((Key(5).public,))).right
    found = verify(dossier, Known((), (Key(8, "w", COSIGNATURE).public,))).findings
    assert [one.detail for one in found] == ["the checkpoint is not cosigned by w"]


def test_the_bytes_of_a_signed_dossier_are_covered(dossier):
    written = dossier.read_bytes()
    for at in range(0, len(written), 29):
        dossier.write_bytes(written[:at] + bytes([written[at] ^ 1]) + written[at + 1 :])
        assert not verify(dossier).right, at
    nan = written.replace(b'"listed":true', b'"listed":NaN')
    for odd in (nan, written + b"\n", written.replace(b'","', b'", "', 1), written[:-1], b"[]", b"1", b""):
        dossier.write_bytes(odd)
        assert not verify(dossier).right


def test_a_proof_that_does_not_hold_is_named_with_its_leaf(dossier, log):
    def found(change):
        made = log.dossier(1, 7, 21)
        del made["facts"]
        change(made["proofs"][1])
        dossier.write_text(json.dumps(made))
        report = verify(dossier)
        assert "the file has no signature" in report.not_checked[0]
        return [(one.leaf_index, one.detail) for one in report.findings]

    assert found(lambda proof: None) == []
    assert found(lambda proof: proof.update(leaf=proof["leaf"] + " ")) == [
        (3, "proof 1: the leaf is not what was sealed")
    ]
    other = "proof 1: the proof is of another tree, or not written as it has to be"
    assert found(lambda proof: proof.update(tree_size=24)) == [(3, other)]
    assert found(lambda proof: proof["path"].__setitem__(0, proof["path"][0].upper())) == [(3, other)]
    assert found(lambda proof: proof["path"].__setitem__(0, "zz")) == [
        (3, "proof 1: no proof as it is written")
    ]
    assert found(lambda proof: proof.pop("leaf")) == [(3, "proof 1: no proof as it is written")]
    assert found(lambda proof: proof.update(leaf_index=4))[0][0] == 4
    assert found(lambda proof: proof.pop("leaf_index"))[0][0] is None
    assert found(lambda proof: proof.update(leaf_index=float("inf")))[0][0] is None
    assert [one[1] for one in found(lambda proof: proof.update(listed=False))] == [
        "no signature over what stands beside the proofs"
    ]


def test_a_dossier_whose_signature_was_taken_away_is_no_dossier(dossier, log):
    signed = json.loads(dossier.read_bytes())
    del signed["signature"]
    signed["facts"]["listed"] = False
    beside = "no signature over what stands beside the proofs"
    nothing = "no proof and no signature: nothing in it is proven"
    bare = {name: signed[name] for name in ("checkpoint", "keys")} | {"proofs": []}
    for made, details in (
        (signed, [beside]),
        ({**signed, "proofs": []}, [nothing, beside]),
        (bare, [nothing]),
    ):
        dossier.write_text(json.dumps(made))
        for known in (Known(), Known((log.signer.keys[0],))):
            report = verify(dossier, known)
            assert [(one.what, one.detail) for one in report.findings] == [
                ("missing", one) for one in details
            ]


def a_signed(log: Logbook, signer: Signer, path: Path) -> Path:
    made = log.dossier(1, 7, 21)
    path.write_bytes(canonical({**made, "signature": str(signer.sign(signed_text(made)))}))
    return path


def test_a_dossier_of_two_keys_is_proven_by_either_of_them(tmp_path):
    old, new = Key(1), Key(2)
    log = Logbook(some_leaves(25), SIZES, Signer(new, old))
    path = a_signed(log, log.signer, tmp_path / "dossier.json")
    for keys in ((old,), (new,), (new, old), (old, old)):
        report = verify(path, Known(tuple(key.public for key in keys)))
        assert (report.findings, report.not_checked) == ([], [])
    found = verify(path, Known((Key(3).public,))).findings
    assert [(one.what, one.detail) for one in found] == [
        ("unproven", "the checkpoint is signed by none of the keys given"),
        ("unproven", "signed by none of the keys given"),
    ]
    written = path.read_bytes()
    for at in range(written.index(b'"signature"'), len(written)):
        path.write_bytes(written[:at] + bytes([written[at] ^ 1]) + written[at + 1 :])
        assert not verify(path, Known((old.public,))).right, at


def test_the_newest_key_may_sign_a_dossier_before_it_is_among_the_keys(tmp_path):
    old, new = Key(1), Key(2)
    log = Logbook(some_leaves(25), SIZES, Signer(old))
    path = a_signed(log, Signer(new, old), tmp_path / "dossier.json")
    for known in (Known(), Known((old.public,))):
        report = verify(path, known)
        assert report.right
        assert report.not_checked[0] == "1 signatures by keys that nobody named"
    assert not verify(path, Known((new.public,))).right, "its checkpoint is the old key's alone"
    assert not verify(a_signed(log, Signer(new), path)).right
    assert not verify(a_signed(log, Signer(old, old), path)).right


def test_a_dossier_of_which_nothing_is_sealed_so_far_is_told_so(dossier, log):
    made = log.dossier(1) | {"proofs": [], "not_sealed": [1]}
    dossier.write_bytes(canonical({**made, "signature": str(log.signer.sign(signed_text(made)))}))
    report = verify(dossier, Known((log.signer.keys[0],)))
    assert report.right
    assert report.not_checked == ["whether anything of it was sealed: there is no proof in it"]


def test_a_dossier_is_compared_with_a_checkpoint_of_its_size_that_was_kept(dossier, log, tmp_path):
    kept = tmp_path / "kept.note"

    def judged(written: str) -> tuple[list[tuple[str, str, str]], list[str]]:
        kept.write_text(written)
        report = verify(dossier, Known((log.signer.keys[0],), (), (kept,)))
        return [(one.what, one.file, one.detail) for one in report.findings], report.not_checked

    assert judged(log.notes[-1].note) == ([], [])
    other = str(log.signer.sign(note_text(25, [a_digest(1), *log.all[1:]])))
    detail = "the 25 leaves were others when this was published"
    assert judged(other) == ([("changed", "kept.note", detail)], [])
    findings, not_checked = judged(log.notes[0].note)
    assert findings == []
    assert not_checked[0].startswith("kept.note: of 7 leaves, and the dossier of 25")
    elsewhere = log.notes[-1].note.replace(ORIGIN, "another.invalid/log")
    assert [one[2] for one in judged(elsewhere)[0]] == [
        "signed by no key that is known",
        "a checkpoint of another log",
    ]
    assert judged("no note")[0][0][:2] == ("unproven", "kept.note")


def test_a_dossier_has_no_time_stamps_to_check(dossier, log, tmp_path):
    report = verify(dossier, Known((log.signer.keys[0],), authorities=tmp_path / "root.pem"))
    assert report.not_checked == ["time stamps: a dossier carries none, a bundle does"]


@pytest.mark.parametrize(
    "odd",
    [
        {"proofs": 5},
        {"proofs": {}},
        {"proofs": [5]},
        {"proofs": [{"leaf_index": 10**400}]},
        {"keys": 5},
        {"checkpoint": 5},
        {"signature": 5},
        {"more": "\ud800"},
        {"more": float("nan")},
    ],
)
def test_what_is_no_dossier_is_a_finding_and_no_accident(dossier, odd):
    dossier.write_text(json.dumps(json.loads(dossier.read_bytes()) | odd))
    assert [one.what for one in verify(dossier).findings][:1] == ["changed"]


def test_what_is_nested_without_an_end_is_no_dossier(dossier):
    dossier.write_text("[" * 100_000)
    assert [one.detail for one in verify(dossier).findings] == ["no dossier with proofs"]


def test_a_size_or_a_length_beyond_all_measure_is_a_finding_too(tmp_path, log):
    path = tmp_path / "long.tar"
    path.write_bytes(verifier.tar_header(LEAVES, 2**87))
    assert [one.detail for one in verify(path).findings] == ["not the header of a file"]
    leaf = an_event(1).replace(b'"position":3', b'"position":' + b"3" * 5000)
    Logbook([leaf], [1]).export(tmp_path / "bundle")
    assert [one.file for one in verify(tmp_path / "bundle").findings] == [LEAVES]


# The command line -----------------------------------------------------------------------------


def test_the_command_exits_by_what_it_found(bundle, log, tmp_path, capsys):
    key = tmp_path / "key.txt"
    key.write_text(f"{log.keys()[0]}\n\n")
    assert main([str(bundle), "--key", str(key), "--witness", str(WITNESS.public), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["right"], told["size"], told["findings"], told["not_checked"]) == (True, 25, [], [])
    edit(bundle / LEAVES, lambda lines: lines.__delitem__(3))
    assert main([str(bundle)]) == 1
    assert "missing: leaves.ndjson, line 4, byte" in capsys.readouterr().out
    assert main([str(bundle), "--key", "no key"]) == 1
    assert main([str(bundle), "--key", str(WITNESS.public)]) == 1
    assert main([str(bundle), "--witness", str(key)]) == 1
    assert main([str(tmp_path / "nothing.tar")]) == 1
    assert main([str(tmp_path / "nothing.json")]) == 1
    assert capsys.readouterr().err.count("cannot be verified") == 5


def test_who_waits_sees_how_far_it_is(tmp_path):
    Logbook(some_leaves(17_000), [17_000], witness=None).export(tmp_path / "bundle")
    seen = []
    assert verify(tmp_path / "bundle", None, lambda done, total: seen.append(done / total)).right
    assert [round(part, 1) for part in seen] == [0.5, 0.5, 0.5, 1.0]


# Time stamps ----------------------------------------------------------------------------------


def test_time_stamps_that_nobody_was_named_for_are_not_checked(log, tmp_path):
    log.kept_stamps = [Stamp(7, BEGINNING, "authority", b"token")]
    log.export(tmp_path / "bundle")
    report = verify(tmp_path / "bundle")
    assert report.right
    assert report.not_checked[0] == "1 time stamps: no authority to trust was given (--tsa-root)"


def test_a_stamp_is_over_the_log_s_own_signatures_alone(log):
    note = Note.parse(log.notes[0].note.encode())
    own = log.signer.sign(note.text)
    assert verifier.stamped(note, log.signer.keys) == str(own).encode()
    assert len(note.signatures) == 2
    assert isinstance(note.signatures[1], Signature)
