"""The port LetterPress: archivable, accessible, reproducible PDF, and nothing of a letter is ever executed."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from pypdf import PdfReader

from tests.letters import asked, every_letter, facts, heading, text_of
from watchlist.adapters import letter_press
from watchlist.adapters.letter_press import TEMPLATES, TypstPress
from watchlist.domain.correspondence import Template
from watchlist.domain.inscription_letter import inscription_letter
from watchlist.domain.letter import Letter
from watchlist.domain.refusals import LettersUnavailable
from watchlist.domain.rights_letter import refusal
from watchlist.domain.rights_request import Right

ROOT = Path(__file__).parents[2]
ONE_OF_EACH = list({letter.template: letter for letter in every_letter()}.values())
RELEASED = {
    "access-1.typ": "0c3ec8239b08aaa3f8b81938b41a15e08a5e292bba2fd4755667beaae5f4c78e",
    "delisting-1.typ": "0c3ec8239b08aaa3f8b81938b41a15e08a5e292bba2fd4755667beaae5f4c78e",
    "dossier-1.typ": "2e5bdab40e249c57d13249c559da6e1562567b1ba96c59cd82bf8aa05a46a732",
    "extension-1.typ": "0c3ec8239b08aaa3f8b81938b41a15e08a5e292bba2fd4755667beaae5f4c78e",
    "grant-1.typ": "0c3ec8239b08aaa3f8b81938b41a15e08a5e292bba2fd4755667beaae5f4c78e",
    "inscription-1.typ": "0c3ec8239b08aaa3f8b81938b41a15e08a5e292bba2fd4755667beaae5f4c78e",
    "layout-1.typ": "93e332ac6ffb8e6f2c46417b368a4cd675ced41da50d8d97fef454ef169ab305",
    "lifting-1.typ": "0c3ec8239b08aaa3f8b81938b41a15e08a5e292bba2fd4755667beaae5f4c78e",
    "refusal-1.typ": "0c3ec8239b08aaa3f8b81938b41a15e08a5e292bba2fd4755667beaae5f4c78e",
}


def printed(letter: Letter) -> PdfReader:
    return PdfReader(io.BytesIO(TypstPress().print(letter)))


def words_of(text: str) -> str:
    """Without what a page adds or changes: its line breaks, its unbreakable spaces."""
    return re.sub(r"\s+", "", text)


def extracted(letter: Letter) -> str:
    return "\n".join(page.extract_text() for page in printed(letter).pages)


def flowing(letter: Letter) -> str:
    """Its words as they are read on from page to page: a paragraph may go on over a foot, which stands last here."""
    pages = [words_of(page.extract_text()) for page in printed(letter).pages]
    foot = words_of(letter.footer + letter.reference)
    feet = [f"{foot}{number}/{len(pages)}" for number in range(1, len(pages) + 1)]
    assert all(page.endswith(own) for page, own in zip(pages, feet, strict=True))
    return "".join(page.removesuffix(own) for page, own in zip(pages, feet, strict=True)) + foot


def to_somebody_called(name: str) -> Letter:
    return inscription_letter(heading(name), facts())


# What is printed ------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", ONE_OF_EACH, ids=lambda letter: letter.template)
def test_a_letter_is_archivable_accessible_and_says_its_title_and_language(letter):
    pdf = printed(letter)
    root = pdf.trailer["/Root"]
    assert pdf.metadata is not None
    assert pdf.metadata.title == letter.title
    assert root["/Lang"].startswith("fr")
    assert root["/MarkInfo"]["/Marked"].value is True
    assert "/StructTreeRoot" in root
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    described = root["/Metadata"].get_object().get_data().decode()
    for claim in ("<pdfaid:part>2<", "<pdfaid:conformance>A<", "<pdfuaid:part>1<"):
        assert claim in described


@pytest.mark.parametrize("letter", ONE_OF_EACH, ids=lambda letter: letter.template)
def test_every_word_of_a_letter_is_on_its_pages(letter):
    pages = flowing(letter)
    for line in text_of(letter).split("\n"):
        for part in re.split(r" \| | : |^- |^## |^\[|\]$", line):
            assert words_of(part) in pages, part


def test_the_date_of_the_document_is_the_letters_and_not_the_clocks():
    pdf = printed(to_somebody_called("Anne"))
    assert pdf.metadata is not None
    assert pdf.metadata["/CreationDate"] == pdf.metadata["/ModDate"] == "D:20260302000000Z"


# The same bytes -------------------------------------------------------------------------------


def test_the_same_letter_gives_the_same_bytes_twice_and_in_another_process():
    letter = to_somebody_called("Anne Lefèvre")
    first = hashlib.sha256(TypstPress().print(letter)).hexdigest()
    assert hashlib.sha256(TypstPress().print(letter)).hexdigest() == first
    elsewhere = (
        "import hashlib, sys, msgspec;"
        "from watchlist.adapters.letter_press import TypstPress;"
        "from watchlist.domain.letter import Letter;"
        "letter = msgspec.json.decode(sys.stdin.buffer.read(), type=Letter);"
        "print(hashlib.sha256(TypstPress().print(letter)).hexdigest())"
    )
    run = subprocess.run(
        [sys.executable, "-c", elsewhere],
        input=msgspec.json.encode(letter),
        capture_output=True,
        check=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "TZ": "Asia/Tokyo", "LANG": "C"},
    )
    assert run.stdout.decode().strip() == first


def test_two_letters_that_differ_by_a_word_differ():
    prints = TypstPress().print
    assert prints(to_somebody_called("Anne")) != prints(to_somebody_called("Anna"))


def test_a_letter_comes_back_from_what_is_sealed_of_it():
    for letter in every_letter():
        assert msgspec.json.decode(msgspec.json.encode(letter), type=Letter) == letter


def test_every_template_that_was_ever_released_is_there_and_unchanged():
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in TEMPLATES.glob("*.typ")}
    assert {name: found.get(name) for name in RELEASED} == RELEASED
    assert {f"{template.value}.typ" for template in Template} <= set(RELEASED) == set(found)


# Nothing is executed --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        '#eval("1+1")',
        '#import "@preview/example:0.1.0": *',
        '#read("/etc/passwd")',
        "$x^2$ *gras* _italique_ `code` <label> @label",
        "\"guillemets\" 'apostrophes' \\ \\u{41} // commentaire /* autre */",
        "[crochets] {accolades} (parenthèses) ]#[ ",
        "= Titre - liste + énumération / terme: x",
        "https://exemple.invalid",
        "O'Neil--Dupont...",
        "محمد العربي",
        "Γιώργος Παπαδόπουλος",
        "Ёлкин Їжак",
        "Nguyễn Łukasz Şahin Ñandú",
    ],
)
def test_a_name_is_printed_as_it_is_written(name):
    letter = to_somebody_called(name)
    pages = extracted(letter)
    if any("\u0600" <= character <= "\u06ff" for character in name):
        # Read from right to left: extraction may give its words in the order of the page.
        assert all(word in pages or word[::-1] in pages for word in name.split())
    else:
        assert words_of(name) in words_of(pages)


def test_a_reason_keeps_its_lines_and_runs_nothing():
    reason = "Première ligne\n#set page(width: 1mm)\n$alpha$ #panic()"
    pages = extracted(refusal(heading(), asked(Right.ERASURE), reason))
    for line in reason.split("\n"):
        assert line in pages


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("漢 Anne", "[U+6F22] Anne"),
        ("\U0001f600", "[U+1F600]"),
        ("\ue000", "[U+E000]"),
        ("e\u20dd", "e[U+20DD]"),
    ],
)
def test_a_character_that_no_font_has_is_shown_by_its_code_point(name, shown):
    assert shown in extracted(to_somebody_called(name))


def test_marks_that_reorder_a_text_are_shown_and_do_nothing():
    assert "Anne[U+202E]ennA" in extracted(to_somebody_called("Anne\u202eennA"))


# Without the extra ----------------------------------------------------------------------------


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(LettersUnavailable) as refused:
        TypstPress().print(to_somebody_called("Anne"))
    assert "watchlist[letters]" in refused.value.detail
    assert letter_press.version() is None
