"""The search for traces finds what was planted: a search that finds nothing ever proves nothing."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.acceptance.searched import traces_of

NAME = "Zéphyrin-Œillet"
NOISE = random.Random(7).randbytes(100_000)


def _b64(offset: int, text: str = NAME, encoding: str = "utf-8") -> bytes:
    return base64.b64encode(NOISE[:offset] + text.encode(encoding) + NOISE[:5])


PLANTED = {
    "utf-8": NAME.encode(),
    "upper case": NAME.upper().encode(),
    "lower case": NAME.lower().encode(),
    "without accents": b"Zephyrin-\xc5\x92illet",
    "decomposed": "Ze\u0301phyrin-Œillet".encode(),
    "utf-16 le": NAME.encode("utf-16-le"),
    "utf-16 be": NAME.encode("utf-16-be"),
    "base64": _b64(0),
    "base64, one in": _b64(1),
    "base64, two in": _b64(2),
    "base64, three in": _b64(3),
    "base64url": base64.urlsafe_b64encode(NAME.encode()),
    "base64 of utf-16": _b64(2, encoding="utf-16-le"),
    "base64 of upper case": _b64(1, NAME.upper()),
    "hex": NAME.encode().hex().encode(),
    "hex in upper case": NAME.encode().hex().upper().encode(),
    "hex of utf-16": NAME.encode("utf-16-be").hex().encode(),
    "percent": quote(NAME).encode(),
    "percent in lower case": quote(NAME).lower().encode(),
    "json": json.dumps(NAME).encode(),
    "json in upper case": json.dumps(NAME).upper().replace("\\U", "\\u").encode(),
    "repr of bytes": repr(NAME.encode()).encode(),
    "octal": b"Z\\303\\251phyrin-\\305\\222illet",
    "html": NAME.encode("ascii", "xmlcharrefreplace"),
}


@pytest.mark.parametrize("raw", PLANTED.values(), ids=PLANTED)
def test_a_planted_value_is_found_however_it_is_encoded(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    file = tmp_path / "deep" / "er" / "16384"
    file.write_bytes(NOISE + raw + b"\0" * 8192 + NOISE)
    (trace, *_) = traces_of([NAME], tmp_path)
    assert (trace.value, trace.place) == (NAME, str(file))
    assert traces_of([NAME], [NOISE, NOISE + raw])


def test_latin_1_is_found() -> None:
    assert traces_of(["Zéphyrin"], "un Zéphyrin".encode("latin-1"))
    assert traces_of(["Zéphyrin"], repr("Zéphyrin".encode("latin-1")).encode())


@pytest.mark.parametrize("written", ["1911-03-17", "17/03/1911", "19110317", "17.03.1911"])
def test_a_date_is_found_as_it_is_written_in_france(written: str) -> None:
    assert traces_of(["1911-03-17"], f"née le {written}.".encode())
    assert traces_of(["1911-03-17"], base64.b64encode(f"née le {written}.".encode()))


def test_a_number_is_found_in_a_document(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"value":"10000001916"}')
    assert [trace.encoding for trace in traces_of(["10000001916"], tmp_path)] == ["utf-8"]


def test_the_name_of_a_file_is_searched_too(tmp_path: Path) -> None:
    (tmp_path / "zephyrin-œillet.csv").touch()
    assert [trace.place.startswith("name of ") for trace in traces_of([NAME], tmp_path)] == [True]


def test_a_value_across_long_runs_of_zeros_and_at_either_end_is_found() -> None:
    raw = b"\0" * 300 + NAME.encode() + b"\0" * 300
    assert traces_of([NAME], raw)
    assert traces_of([NAME], NAME.encode())


def test_nothing_is_found_where_nothing_was_planted(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(NOISE)
    assert traces_of([NAME, "10000001916", "1911-03-17"], [tmp_path, NOISE, b""]) == []


def test_each_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"1 10000001916")
    (tmp_path / "two").write_bytes(b"2 10000001916")
    assert [Path(trace.place).name for trace in traces_of(["10000001916"], tmp_path)] == ["one", "two"]


def test_a_value_too_short_to_be_told_from_chance_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        traces_of(["Anne"], NOISE)
