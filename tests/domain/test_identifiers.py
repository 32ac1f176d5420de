"""Identifiers: parse, check, normalise, refuse the NIR by name (S3, S4, S5)."""

import pickle
import traceback

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum import luhn

from watchlist.domain import identifiers
from watchlist.domain.identifiers import (
    SCHEMES,
    Identifier,
    MalformedIdentifier,
    asked_keys,
    listed_keys,
    looks_like_nir,
    parse,
)


def refusal(scheme: str, value: str) -> MalformedIdentifier:
    with pytest.raises(MalformedIdentifier) as caught:
        parse(scheme, value)
    return caught.value


def with_luhn(length: int) -> st.SearchStrategy[str]:
    digits = st.text("0123456789", min_size=length - 1, max_size=length - 1).filter(lambda d: d.strip("0"))
    return digits.map(lambda d: d + luhn.calc_check_digit(d))


def with_nir_key(body: str) -> str:
    number = int(body.replace("2A", "19").replace("2B", "18"))
    return f"{body}{97 - number % 97:02d}"


numbers = st.one_of(
    with_luhn(11).map(lambda value: ("rpps", value)),
    with_luhn(9).map(lambda value: ("siren", value)),
    with_luhn(9).map(lambda value: ("finess", value)),
    st.from_regex(r"\A(0[1-9]|2A|2B|9[A-F]|97)[0-9]{7}\Z").map(lambda value: ("adeli", value)),
    st.from_regex(r"\A[0-9]{8,10}/[0-9A-Z]{1,12}\Z").map(lambda value: ("amc_member", value)),
)
nir_bodies = st.builds(
    "".join,
    st.tuples(
        st.sampled_from("123478"),
        st.from_regex(r"\A[0-9]{2}\Z"),
        st.sampled_from(["01", "12", "20", "30", "42", "50", "99"]),
        st.sampled_from(["01", "75", "2A", "2B", "97", "99"]),
        st.from_regex(r"\A[0-9]{6}\Z"),
    ),
)


@pytest.mark.parametrize(
    ("scheme", "value"),
    [
        ("rpps", "10000001916"),
        ("adeli", "759310596"),
        ("adeli", "2A9310596"),
        ("adeli", "974310596"),
        ("adeli", "9D9310596"),
        ("finess", "750712184"),  # Assistance publique - Hôpitaux de Paris
        ("finess", "2A0000014"),  # Ajaccio
        ("finess", "2B0000020"),  # Bastia
        ("finess", "2B0005342"),  # Calvi
        ("finess", "970400024"),  # La Réunion
        ("siren", "732829320"),
        ("siren", "356000000"),
        ("siret", "73282932000074"),
        ("siret", "35600000000048"),  # La Poste, head office: Luhn
        ("siret", "35600000049837"),  # La Poste, elsewhere: sum of digits divisible by 5
        ("amc_member", "00012345/00A7"),
        ("amc_member", "0001234567/12345678901234567890"),
    ],
)
def test_a_known_number_is_accepted_as_it_is(scheme, value):
    assert parse(scheme, value) == Identifier(scheme, value)


@pytest.mark.parametrize(
    ("scheme", "written", "value"),
    [
        ("rpps", " 1000 000 1916\n", "10000001916"),
        ("siret", "732\u00a0829\u202f320\u200900074", "73282932000074"),
        ("siren", "732.829.320", "732829320"),
        ("finess", "2b-000\u20110020", "2B0000020"),
        ("siren", "732\u2013829\u00ad320", "732829320"),
        ("amc_member", "0001 2345 / 00-a7", "00012345/00A7"),
    ],
)
def test_spaces_dots_and_hyphens_are_accepted_and_not_kept(scheme, written, value):
    assert parse(scheme, written).value == value


@pytest.mark.parametrize(
    ("scheme", "value"),
    [
        ("rpps", ""),
        ("rpps", "1000000191"),
        ("rpps", "100000019160"),
        ("rpps", "1000000191O"),
        ("rpps", "١٠٠٠٠٠٠١٩١٦"),
        ("rpps", "1000000191\uff16"),
        ("rpps", "00000000000"),
        ("siren", "000000000"),
        ("siren", "73282932²"),
        ("siret", "732829320"),
        ("adeli", "759A10596"),
        ("adeli", "009310596"),
        ("finess", "2C0000020"),
        ("finess", "2\u00df0000020"),
        ("amc_member", "00012345"),
        ("amc_member", "1234567/7"),
        ("amc_member", "12345678901/7"),
        ("amc_member", "00012345/"),
        ("amc_member", "00012345/7/7"),
        ("amc_member", "00012345/123456789012345678901"),
        ("amc_member", "00012345/\u0131"),
    ],
)
def test_a_wrong_length_or_character_is_malformed(scheme, value):
    assert refusal(scheme, value).code == "malformed_identifier"


@pytest.mark.parametrize(
    ("scheme", "value"),
    [
        ("rpps", "10000001917"),
        ("finess", "750712185"),
        ("finess", "2A0000020"),
        ("siren", "732829321"),
        ("siret", "73282932000075"),
        ("siret", "35600000000049"),
    ],
)
def test_a_wrong_check_digit_is_told_apart_from_a_wrong_form(scheme, value):
    assert refusal(scheme, value).code == "check_failed"


def test_a_siret_whose_siren_is_wrong_fails_its_check():
    siren = "732829321"
    body = siren + "0007"
    assert refusal("siret", body + luhn.calc_check_digit(body)).code == "check_failed"


@pytest.mark.parametrize("scheme", ["", "RPPS", "passport", "name"])
def test_an_unknown_scheme_is_refused_with_the_known_ones(scheme):
    refused = refusal(scheme, "10000001916")
    assert refused.code == "unknown_scheme"
    assert all(known in refused.detail for known in SCHEMES)


@pytest.mark.parametrize("scheme", ["nir", "NIR", "nss", "insee", " Nir "])
def test_the_social_security_number_is_refused_by_name_with_the_reason(scheme):
    refused = refusal(scheme, "anything")
    assert refused.code == "nir_refused"
    assert "neither stored nor accepted as a key" in refused.detail


@pytest.mark.parametrize(
    "written",
    [
        "00012345/{nir}",
        "00012345/{nir13}",
        "00012345/00000{nir}",
        "00012345/0{nir13}",
        "00012345 / {spaced}",
        "{nir}",
    ],
)
def test_an_amc_member_number_that_is_a_social_security_number_is_refused(written):
    body = "1850578006084"
    nir = with_nir_key(body)
    value = written.format(nir=nir, nir13=body, spaced=" ".join((nir[0], nir[1:3], nir[3:13], nir[13:])))
    assert refusal("amc_member", value).code == "nir_refused"


def test_a_social_security_number_under_another_scheme_is_refused_by_name():
    assert refusal("rpps", with_nir_key("1850578006084")).code == "nir_refused"


def test_thirteen_digits_under_another_scheme_are_a_typing_error_not_a_social_security_number():
    assert refusal("siret", "7328293200007").code == "malformed_identifier"


@given(nir_bodies)
def test_every_form_of_social_security_number_is_recognised(body):
    nir = with_nir_key(body)
    assert looks_like_nir(body)
    assert looks_like_nir(nir)
    assert looks_like_nir(
        f"{nir[0]} {nir[1:3]} {nir[3:5]} {nir[5:7].lower()} {nir[7:10]}.{nir[10:13]}-{nir[13:]}"
    )
    assert refusal("amc_member", f"00012345/{nir}").code == "nir_refused"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5850578006084",  # no such sex
        "1851378006084",  # no such month
        "1852178006084",
        "1854378006084",
        "1850500006084",  # no such department
        "1850520006084"[:12],
        "185057800608400",  # the key is wrong
        "18505780060849",  # 14 characters
        "18505780060८4",
        "00012345/1850578006084",
    ],
)
def test_what_has_not_the_form_is_no_social_security_number(text):
    assert not looks_like_nir(text)


def test_fifteen_digits_with_a_wrong_key_are_a_member_number_like_another():
    assert parse("amc_member", "00012345/185057800608400").value == "00012345/185057800608400"


def test_a_siret_also_asks_its_siren_and_answers_under_itself_alone():
    siret = parse("siret", "73282932000074")
    assert asked_keys(siret) == (siret, parse("siren", "732829320"))
    assert listed_keys(siret) == (siret,)


def test_an_amc_member_is_never_a_key():
    member = parse("amc_member", "00012345/00A7")
    assert asked_keys(member) == ()
    assert listed_keys(member) == ()


@pytest.mark.parametrize(
    ("scheme", "value"),
    [("rpps", "10000001916"), ("adeli", "759310596"), ("finess", "750712184"), ("siren", "732829320")],
)
def test_any_other_identifier_asks_and_answers_under_itself(scheme, value):
    identifier = parse(scheme, value)
    assert asked_keys(identifier) == listed_keys(identifier) == (identifier,)


@given(numbers)
def test_parsing_what_was_parsed_changes_nothing(number):
    scheme, written = number
    try:
        identifier = parse(scheme, written)
    except MalformedIdentifier:
        assume(False)
    assert parse(scheme, identifier.value) == identifier


@given(numbers, st.data())
def test_separators_anywhere_change_nothing(number, data):
    scheme, value = number
    marks = data.draw(st.lists(st.sampled_from(["", " ", ".", "-", "\u00a0"]), min_size=len(value)))
    written = "".join(f"{mark}{character}" for mark, character in zip(marks, value, strict=False))
    assert parse(scheme, written.lower()).value == value


@given(numbers)
def test_a_repr_never_contains_the_value(number):
    identifier = Identifier(*number)
    assert repr(identifier) == str(identifier) == f"Identifier({number[0]}, sealed)"


@given(st.sampled_from(SCHEMES), st.text() | st.from_regex(r"\A[0-9]{9,15}\Z"))
def test_whatever_is_written_is_an_identifier_or_a_refusal_that_does_not_repeat_it(scheme, written):
    try:
        assert parse(scheme, written).value.isascii()
    except MalformedIdentifier as caught:
        refused = caught
    else:
        return
    told = "".join(traceback.format_exception_only(refused)) + repr(refused)
    assert len(written) < 5 or written not in told
    assert refused.code in {"malformed_identifier", "check_failed", "nir_refused"}
    assert refused.__cause__ is refused.__context__ is None


def test_a_single_mistyped_digit_of_an_rpps_number_is_always_caught():
    right = "10000001916"
    for place, digit in ((p, d) for p in range(11) for d in "0123456789" if right[p] != d):
        assert refusal("rpps", right[:place] + digit + right[place + 1 :]).code == "check_failed"


def test_a_refusal_survives_a_process_boundary():
    refused = pickle.loads(pickle.dumps(refusal("rpps", "1")))
    assert (refused.code, str(refused)) == ("malformed_identifier", refused.detail)


@given(st.text("0123456789", min_size=1, max_size=20))
def test_our_luhn_agrees_with_the_library(digits: str) -> None:
    assert identifiers.luhn_passes(digits) == luhn.is_valid(digits)
