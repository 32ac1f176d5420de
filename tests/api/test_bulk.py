"""Screening in bulk: a line asked, a line answered, in either form (S1, S5, S9)."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from api.bulk import MOST_STREAMS
from api.shares import Shares
from tests.api.conftest import PERSON, Hire, Office

LISTED, UNKNOWN = "10000001916", "10000002120"
HEADER = "key,kind,family_name,given_names,birth_date,birth_place,rpps,adeli,finess,siren,siret"
SENT = {
    "Content-Type": "application/x-ndjson",
    "Screening-Purpose": "third_party_payment",
    "Screening-File-Reference": "LOT-1",
}
Body = bytes | Iterator[bytes]


@pytest.fixture
def listed(office: Office) -> Office:
    office.entry()
    return office


def asked(office: Office, body: Body, **headers: str) -> httpx.Response:
    sent = {**SENT, "Authorization": f"Bearer {office.integrator.key}"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return office.integrator.client.post("/v1/screenings/bulk", content=body, headers=sent)


def answers(office: Office, *lines: Any) -> list[dict[str, Any]]:
    written = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    answer = asked(office, "\n".join(written).encode())
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def rows(office: Office, body: str | bytes) -> list[str]:
    answer = asked(office, body.encode() if isinstance(body, str) else body, Content_Type="text/csv")
    assert answer.status_code == 200, answer.text
    return answer.text.split("\n")


def by_rpps(key: str, value: str = UNKNOWN) -> dict[str, Any]:
    return {"key": key, "identifiers": [{"scheme": "rpps", "value": value}]}


NAMED = {"family_name": "DE LA TOUR", "given_names": "marie", "birth_date": PERSON["birth_date"]}


def test_each_line_is_answered_in_its_place(listed: Office) -> None:
    found = answers(
        listed, by_rpps("a"), by_rpps("b", LISTED), {"key": "c", **NAMED}, by_rpps("d", "10000001917")
    )
    assert found[:3] == [{"key": "a", "hit": False}, {"key": "b", "hit": True}, {"key": "c", "hit": True}]
    assert found[3]["key"] == "d"
    assert found[3]["error"].keys() == {"code", "field", "detail"}
    assert found[3]["error"]["code"] == "check_failed"


def test_the_same_in_csv(listed: Office) -> None:
    body = f"{HEADER}\na,,,,,,{UNKNOWN},,,,\nb,,,,,,{LISTED},,,,\nd,,,,,,12,,,,\n"
    body += "c,person,de La Tour,Marie,28/02/1970,,,,,,\n"
    assert rows(listed, body) == [
        "key,hit,error_code,error_field",
        "a,false,,",
        "b,true,,",
        "d,,malformed_identifier,rpps",
        "c,true,,",
        "",
    ]


def test_csv_as_excel_writes_it(listed: Office) -> None:
    """With a byte order mark, semicolons, CRLF, quotation marks where they are not needed, and empty rows."""
    first = '"a";;"de La ""Tour""";"Marie\r\nClaude";1970-02-28;Le Mans;;;;;'
    body = f"\ufeff{HEADER}\r\n{first}\r\n;;;;;;;;;;\r\n\r\nb;;;;;;{LISTED};;;;\r\n"
    assert rows(listed, body.replace(",", ";")) == [
        "key;hit;error_code;error_field",
        "a;true;;",
        "b;true;;",
        "",
    ]


def test_columns_come_in_any_order_and_those_not_needed_may_be_left_out(listed: Office) -> None:
    assert rows(listed, f"rpps,key\n{LISTED},a\n")[1:] == ["a,true,,", ""]


@pytest.mark.parametrize("header", ["", "rpps\n", "key,nir\n", "key,rpps,rpps\n", "a,,,,\n", "key\trpps\n"])
def test_a_header_that_is_not_understood_refuses_the_whole(office: Office, header: str) -> None:
    answer = asked(office, header.encode() + b"a,1,1,1\n", Content_Type="text/csv")
    assert answer.status_code == 422
    assert answer.json()["code"] == "unreadable_header"


def test_whatever_is_wrong_with_a_line_is_an_error_for_that_line(listed: Office) -> None:
    found = answers(
        listed,
        "{",
        {"identifiers": []},
        {"key": "x y", "identifiers": []},
        {"key": "a", "unheard": 1},
        {"key": "b", "family_name": "X"},
        '{"key":"c","key":"d","identifiers":[]}',
        "x" * 20_000,
        "",
        "   ",
        by_rpps("e", LISTED),
    )
    assert [
        (line["key"], line.get("error", {}).get("code"), line.get("error", {}).get("field")) for line in found
    ] == [
        (None, "malformed", "body"),
        (None, "malformed", "key"),
        (None, "malformed", "key"),
        ("a", "malformed", "body"),
        ("b", "incomplete_person", "given_names"),
        ("d", "malformed", "body"),
        (None, "too_long", "line"),
        ("e", None, None),
    ]
    assert found[-1]["hit"] is True


def test_wrong_utf8_is_an_error_for_its_line(listed: Office) -> None:
    latin = (
        "key;family_name;given_names;birth_date\na;Lefèvre;Zoé;1970-02-28\nb;De la Tour;Marie;1970-02-28\n"
    )
    assert rows(listed, latin.encode("latin-1")) == [
        "key;hit;error_code;error_field", "a;;malformed;line", "b;true;;", ""
    ]  # fmt: skip
    found = asked(
        listed, b'{"key":"a","family_name":"Lef\xe8vre","given_names":"Z","birth_date":"1970-02-28"}\n'
    )
    assert json.loads(found.text) == {"key": "a", "error": json.loads(found.text)["error"]}


def test_a_quotation_mark_that_is_not_closed_swallows_no_other_line(listed: Office) -> None:
    body = f'key,family_name,rpps\na,"X,{UNKNOWN}\nb,,{LISTED}\nc,"Y",{UNKNOWN}\nd,"Z" z,1\ne,5" x,{LISTED}\nf,"Z,1'
    assert rows(listed, body)[1:] == [
        "a,,malformed,line",
        "b,true,,",
        "c,,incomplete_person,given_names",
        "d,,malformed,line",
        "e,,incomplete_person,given_names",
        "f,,malformed,line",
        "",
    ]


def test_a_key_that_repeats_is_an_error_where_it_stands_again(listed: Office) -> None:
    found = answers(listed, by_rpps("a"), by_rpps("b"), by_rpps("a", LISTED))
    assert found[2] == {"key": "a", "error": {**found[2]["error"], "code": "repeated_key", "field": "key"}}


def test_no_key_is_calculated_by_a_spreadsheet(listed: Office) -> None:
    body = f"key,rpps\n-2-3,{LISTED}\n=1+1,{LISTED}\n@a,{LISTED}\n+1,{LISTED}\n"
    assert rows(listed, body)[1:] == ["'-2-3,true,,", *[",,malformed,key"] * 3, ""]


def test_a_row_of_another_width_is_an_error(listed: Office) -> None:
    assert rows(listed, f"key,rpps\na,{LISTED},1\nb\nc,{LISTED}")[1:] == [
        "a,,malformed,line", "b,,malformed,line", "c,true,,", ""
    ]  # fmt: skip


def test_nothing_asked_is_nothing_answered(office: Office) -> None:
    assert asked(office, b"").text == ""
    assert rows(office, HEADER) == ["key,hit,error_code,error_field", ""]


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Content_Type", "application/json", 415),
        ("Content_Type", "text/csv; charset=windows-1252", 415),
        ("Content_Type", "text/csv; charset=UTF-8", 200),
        ("Content_Encoding", "gzip", 415),
        ("Screening_Purpose", "curiosity", 422),
        ("Screening_File_Reference", "", 422),
        ("Screening_File_Reference", "x" * 129, 422),
    ],
)
def test_what_is_asked_by_headers(office: Office, header: str, value: str, status: int) -> None:
    assert asked(office, HEADER.encode(), **{header: value}).status_code == status


def test_more_streams_than_the_service_bears_are_refused(office: Office, client: TestClient) -> None:
    app: Any = client.app
    shares: Shares = app.state.bulk_streams.shares
    others = [f"O{one}" for one in range(MOST_STREAMS)]
    with ExitStack() as running:
        for organisation in others[1:]:
            running.enter_context(shares.one(organisation))
        assert asked(office, b"").status_code == 200
        with shares.one(others[0]):
            assert asked(office, b"").status_code == 503
        assert asked(office, b"").status_code == 200
    assert shares.running == 0


def test_one_organisation_takes_a_quarter_of_the_streams(
    office: Office, hire: Hire, client: TestClient
) -> None:
    app: Any = client.app
    shares: Shares = app.state.bulk_streams.shares
    with ExitStack() as running:
        for _ in range(MOST_STREAMS // 4):
            running.enter_context(shares.one(office.organisation))
        assert asked(office, b"").status_code == 503
        assert asked(Office(hire, "OTHER"), b"").status_code == 200
    assert asked(office, b"").status_code == 200


def test_it_is_one_screening_whose_id_is_a_header(listed: Office, client: TestClient) -> None:
    answer = asked(listed, (json.dumps(by_rpps("a", LISTED)) + "\n").encode())
    assert answer.headers["Review-Required"] == "true"
    assert len(answer.headers["Screening-Id"]) == 36
