"""Under which keyed tokens a subject is found, and which of them answer (S3, S4)."""

import hmac
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from watchlist.domain.identifiers import Identifier
from watchlist.domain.identity import Organisation, Person, same_person
from watchlist.domain.tokens import DIGEST_BYTES, Named, Question, Token, Tokenizer, apart

BORN = date(1970, 1, 2)
RPPS = Identifier("rpps", "10000001916")
SIREN = Identifier("siren", "732829320")
SIRET = Identifier("siret", "73282932000074")
MEMBER = Identifier("amc_member", "12345678/0042")

tokenizer = Tokenizer(b"k" * 32)


def listed(identity) -> dict[bytes, Token]:
    """What answers, as the list keeps it."""
    return {token.digest: token for token in tokenizer.of_subject(identity) if token.answers}


def hits(identity, *identifiers: Identifier, person=None) -> bool:
    question = tokenizer.question(identifiers, person and Named.of(*person))
    answering = listed(identity)
    found = [answering[digest] for digest in question.digests if digest in answering]
    return question.is_met_by(found)


# Exact identifiers ----------------------------------------------------------------------------


def test_an_exact_identifier_hits():
    subject = Person("Lefèvre", "Anne", identifiers=(RPPS,))
    assert hits(subject, RPPS)
    assert not hits(subject, Identifier("adeli", RPPS.value))
    assert not hits(subject, SIREN)


def test_a_siret_also_asks_its_siren_and_not_the_reverse():
    assert hits(Organisation("Optique du Port", (SIREN,)), SIRET)
    assert hits(Organisation("Optique du Port", (SIRET,)), SIRET)
    assert not hits(Organisation("Optique du Port", (SIRET,)), SIREN)


def test_a_member_number_covers_a_family_and_is_no_key():
    subject = Person("Martin", "Luc", BORN, identifiers=(MEMBER,))
    assert not hits(subject, MEMBER)
    assert tokenizer.question([MEMBER]).digests == ()


# Names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "hit"),
    [
        (("LEFEVRE", "anne", BORN), True),
        (("Le Fèvre", "Anne", BORN), True),
        (("Durand", "Anne", BORN), True),
        (("Lefèvre", "Anne Marie", BORN), True),
        (("Lefèvre", "Marie", BORN), False),
        (("Lefèvre", "Anne", date(1970, 1, 3)), False),
        (("Lefebvre", "Anne", BORN), False),
        (("Lefèvre", "", BORN), False),
    ],
)
def test_a_person_hits_by_a_name_with_given_names_and_the_full_birth_date(asked, hit):
    assert hits(Person("Lefèvre", "Anne", BORN, usage_name="Durand"), person=asked) is hit


def test_never_by_name_alone():
    subject = Person("Lefèvre", "Anne")
    assert not listed(subject)
    assert not hits(subject, person=("Lefèvre", "Anne", BORN))
    assert not listed(Organisation("Optique du Port"))


def test_either_of_identifier_and_name_hits():
    subject = Person("Lefèvre", "Anne", BORN, identifiers=(RPPS,))
    assert hits(subject, RPPS, person=("Martin", "Luc", BORN))
    assert hits(subject, SIREN, person=("Lefèvre", "Anne", BORN))


def test_the_registry_also_finds_by_a_name_that_does_not_answer():
    for identity in (Person("Lefèvre", "Anne"), Organisation("Optique du Port")):
        assert [token.answers for token in tokenizer.of_subject(identity)] == [False]


name = st.sampled_from(
    ["Lefèvre", "LE FEVRE", "De La Tour", "Latour", "d'Œuvre", "Saint-Jean", "St Jean", "O'Neil"]
)
given_name = st.sampled_from(["Anne", "Anne-Marie", "MARIE", "Jean Paul", "N'Golo", ""])
born = st.sampled_from([BORN, date(1970, 1, 3)])
person = st.builds(Person, name, given_name, st.none() | born, st.none() | name)


@given(person, name, given_name, born)
def test_screening_says_what_the_rule_of_names_says(subject, family_name, given_names, birth_date):
    asked = Person(family_name, given_names, birth_date)
    assert hits(subject, person=(family_name, given_names, birth_date)) is same_person(asked, subject)


# What a token gives away ----------------------------------------------------------------------


def test_tokens_are_of_one_key_and_give_nothing_away():
    subject = Person("Lefèvre", "Anne", BORN, identifiers=(RPPS,))
    other = Tokenizer(b"l" * 32)
    digests, others = ({t.digest for t in key.of_subject(subject)} for key in (tokenizer, other))
    assert not digests & others
    assert {len(digest) for digest in digests} == {DIGEST_BYTES}
    assert "k" * 32 not in repr(tokenizer)


def test_a_subject_is_known_again_by_what_is_its_own_alone():
    shared = Identifier("finess", "750712184")
    person = Person("Lefèvre", "Anne", BORN, identifiers=(RPPS, shared))
    own = {token.digest for token in tokenizer.of_subject(person)} & {
        tokenizer.of_own(RPPS),
        tokenizer.of_own(shared),
    }
    assert own == {tokenizer.of_own(RPPS)}
    assert {tokenizer.of_identifier(RPPS), tokenizer.of_identifier(shared)} <= set(listed(person))


def test_what_is_known_covers_another_telling_only_if_it_would_be_found_by_all_of_it():
    known = Person("Lefèvre", "Anne", BORN, identifiers=(RPPS,))
    assert tokenizer.covers(known, Person("LEFEVRE", "Anne Marie", BORN))
    assert not tokenizer.covers(known, Person("Lefèvre", "Anne", BORN, usage_name="Martin"))
    assert not tokenizer.covers(Person("Lefèvre", "Anne", BORN), known)


def test_given_names_come_apart_as_they_were_joined():
    digests = tokenizer.of_given("Jean Paul Marie", BORN)
    assert apart(b"".join(sorted(digests))) == digests
    assert apart(b"") == frozenset()


def test_a_question_that_asks_nothing_is_met_by_nothing():
    assert not Question().is_met_by([])


@given(st.binary(min_size=32, max_size=32), st.text(), st.text())
def test_a_digest_is_an_hmac_of_its_parts(key: bytes, one: str, other: str) -> None:
    assume(one.isprintable() and other.isprintable())
    expected = hmac.digest(key, f"{one}\0{other}".encode(), "sha256")
    assert Tokenizer(key).digest(one, other) == expected[:16]
