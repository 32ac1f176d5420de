"""Who a subject is, and the form in which identities are compared (S3, L6)."""

import dataclasses
import traceback
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchlist.domain.identifiers import Identifier
from watchlist.domain.identity import (
    Organisation,
    Person,
    changed_fields,
    decode,
    encode,
    family_forms,
    given_forms,
    given_names_agree,
    is_identified,
    normalised,
    same_person,
)

BORN = date(1970, 5, 17)
RPPS = Identifier("rpps", "10000001916")
MEMBER = Identifier("amc_member", "00012345/00A7")

names = st.text(st.characters(codec="utf-8"), max_size=20)
latin_names = st.text("abcéèçœæßøłñüİıŉ' -’.ABC", max_size=20)
identifiers = st.lists(
    st.builds(Identifier, st.sampled_from(["rpps", "siret"]), st.from_regex(r"\A[0-9]{9}\Z")), max_size=3
).map(tuple)
persons = st.builds(
    Person,
    family_name=st.text(max_size=10),
    given_names=st.text(max_size=10),
    birth_date=st.none() | st.dates(),
    usage_name=st.none() | st.text(max_size=10),
    birth_place=st.none() | st.text(max_size=10),
    identifiers=identifiers,
)
organisations = st.builds(Organisation, name=st.text(max_size=10), identifiers=identifiers)


def person(family_name="Martin", given_names="Claire", birth_date=BORN, usage_name=None):
    return Person(family_name, given_names, birth_date, usage_name)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Élodie  Lefèvre", "ELODIE LEFEVRE"),
        ("Lefe\u0300vre", "LEFEVRE"),
        ("CŒUR", "COEUR"),
        ("Lætitia", "LAETITIA"),
        ("Strauß", "STRAUSS"),
        ("Sørensen Łukasz Đặng", "SORENSEN LUKASZ DANG"),
        ("ﬁlliâtre", "FILLIATRE"),
        ("d'Artagnan", "D ARTAGNAN"),
        ("d’Artagnan", "D ARTAGNAN"),
        ("d\u02bcArtagnan", "D ARTAGNAN"),
        ("d´Artagnan", "D ARTAGNAN"),
        ("d`Artagnan", "D ARTAGNAN"),
        ("Jean-Pierre", "JEAN PIERRE"),
        ("Jean\u2011Pierre", "JEAN PIERRE"),
        ("Jean\u2013Pierre", "JEAN PIERRE"),
        ("Jean\u00adPierre", "JEAN PIERRE"),
        ("\u00a0Jean,\tPierre. ", "JEAN PIERRE"),
        ("Zoé\u200b\ufeff", "ZOE"),
        ("İpek ışık", "IPEK ISIK"),
        ("St Exupéry", "SAINT EXUPERY"),
        ("Ste-Marie", "SAINT MARIE"),
        ("Sainte Marie", "SAINT MARIE"),
        ("Stéphane", "STEPHANE"),
        ("Saintonge", "SAINTONGE"),
        ("Cabinet 3", "CABINET 3"),
        ("-'.", ""),
    ],
)
def test_writings_of_one_name_have_one_form(text, form):
    assert normalised(text) == form


@pytest.mark.parametrize(
    "text", ["Иванов", "王小明", "محمد", "Παπαδόπουλος", "שרה", "प्रिया", "김민수", "がく"]
)
def test_a_name_in_another_script_does_not_vanish(text):
    assert normalised(text)
    assert family_forms(text)


def test_names_in_another_script_are_compared_without_case_and_accents():
    assert normalised("Παπαδόπουλος") == normalised("ΠΑΠΑΔΟΠΟΥΛΟΣ")
    assert normalised("مُحَمَّد") == normalised("محمد")
    assert normalised("がく") != normalised("かく")


@given(names | latin_names)
def test_normalising_twice_is_normalising_once(text):
    assert normalised(normalised(text)) == normalised(text)


@given(latin_names)
def test_latin_names_come_down_to_capitals_digits_and_single_spaces(text):
    form = normalised(text)
    assert set(form) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ")
    assert form == " ".join(form.split())


@given(st.text("abcéèçœæßøñü -'", max_size=20))
def test_case_never_matters(text):
    assert normalised(text.upper()) == normalised(text.lower()) == normalised(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("De La Tour", "Delatour"),
        ("de-la-Tour", "DE LA TOUR"),
        ("De La Tour", "La Tour"),
        ("De La Tour", "Latour"),
        ("De La Tour", "Tour"),
        ("La Tour", "Tour"),
        ("d'Artagnan", "Dartagnan"),
        ("d’Artagnan", "Artagnan"),
        ("Saint-Exupéry", "St Exupery"),
        ("Saintexupéry", "St-Exupéry"),
        ("Le Goff", "LEGOFF"),
        ("L'Hermite", "Lhermite"),
        ("O'Brien", "OBrien"),
        ("Mac Donald", "MacDonald"),
        ("El Amrani", "Al-Amrani"),
        ("Ben Ali", "Benali"),
        ("van den Berg", "Vandenberg"),
        ("Dupont de Nemours", "Dupont-Nemours"),
        ("Martin-Durand", "Martin Durand"),
        ("Lebœuf", "Le Boeuf"),
        ("Le", "LÊ"),
    ],
)
def test_family_names_are_equal_whatever_becomes_of_their_particles(one, other):
    assert family_forms(one) & family_forms(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Lefèvre", "Lefebvre"),
        ("Martin", "Marten"),
        ("Martin", "Martin-Durand"),
        ("Delatour", "Tour"),
        ("Nguyen Van", "Nguyen"),
        ("De La", "De"),
        ("Leroy", "Roy"),
        ("", ""),
        ("-", "'"),
    ],
)
def test_what_only_resembles_is_not_equal(one, other):
    assert not family_forms(one) & family_forms(other)


@given(names | latin_names)
def test_no_form_of_a_family_name_is_empty_or_has_a_space(name):
    assert all(form and " " not in form for form in family_forms(name))
    assert bool(family_forms(name)) == bool(normalised(name))


@pytest.mark.parametrize("particle", ["Le", "Van", "De", "Ben", "D'"])
def test_a_name_that_is_only_a_particle_is_still_a_name(particle):
    assert len(family_forms(particle)) == 1


def test_given_names_are_split_and_joined_at_apostrophes():
    assert given_forms("Jean-Pierre, Émile") == {"JEAN", "PIERRE", "EMILE"}
    assert given_forms("N'Golo") == given_forms("N’golo") == given_forms("Ngolo") == {"NGOLO"}
    assert given_forms(" - ") == frozenset()


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("Jean", "Jean-Pierre", True),
        ("Pierre Jean", "Jean Pierre", True),
        ("Jean Pierre", "Jean Paul", False),
        ("Jean", "Jeanne", False),
        ("", "Jean", False),
        ("", "", False),
    ],
)
def test_given_names_agree_when_one_set_is_contained_in_the_other(one, other, agree):
    assert given_names_agree(given_forms(one), given_forms(other)) is agree
    assert given_names_agree(given_forms(other), given_forms(one)) is agree


@pytest.mark.parametrize(
    "asked",
    [
        person(),
        person("MARTIN", "CLAIRE"),
        person(given_names="Claire Marie"),
        person("Durand", usage_name="Martin"),
        person("Martin", usage_name="Durand"),
    ],
)
def test_the_same_person_by_birth_or_usage_name_given_names_and_birth_date(asked):
    assert same_person(asked, person())
    assert same_person(person(), asked)


def test_a_usage_name_on_one_side_meets_a_birth_name_on_the_other():
    assert same_person(person("Durand", usage_name="Martin"), person("Petit", usage_name="Martin"))


@pytest.mark.parametrize(
    "asked",
    [
        person(birth_date=None),
        person(birth_date=date(1970, 5, 18)),
        person(given_names=""),
        person(given_names="Clara"),
        person("Marten"),
        person(""),
    ],
)
def test_never_the_same_person_by_name_alone_or_by_resemblance(asked):
    assert not same_person(asked, person())
    assert not same_person(person(), asked)


def test_two_unknown_birth_dates_are_not_the_same():
    assert not same_person(person(birth_date=None), person(birth_date=None))


def test_two_empty_names_are_not_the_same():
    assert not same_person(person("", ""), person("", ""))


@given(persons, persons)
def test_being_the_same_person_goes_both_ways(one, other):
    assert same_person(one, other) == same_person(other, one)


@pytest.mark.parametrize(
    ("identity", "identified"),
    [
        (person(), True),
        (person(birth_date=None), False),
        (person(given_names=""), False),
        (person(" - "), False),
        (Person("Martin", "", identifiers=(RPPS,)), True),
        (Person("Martin", "", identifiers=(MEMBER,)), False),
        (Person("Martin", "Claire", BORN, identifiers=(MEMBER,)), True),
        (Organisation("Centre dentaire"), False),
        (Organisation("Centre dentaire", (MEMBER,)), False),
        (Organisation("Centre dentaire", (MEMBER, Identifier("siren", "732829320"))), True),
    ],
)
def test_a_subject_is_identified_by_a_key_or_by_full_names_and_birth_date(identity, identified):
    assert is_identified(identity) is identified


@given(persons | organisations)
def test_the_vault_gives_back_what_it_was_given(identity):
    assert decode(encode(identity)) == identity


def test_the_encoding_is_stable():
    assert (
        encode(Person("Lefèvre", "Zoé", BORN, identifiers=(RPPS,)))
        == b'{"birth_date":"1970-05-17","family_name":"Lef\\u00e8vre","given_names":"Zo\\u00e9",'
        b'"identifiers":[["rpps","10000001916"]],"kind":"person"}'
    )
    assert encode(Organisation("Centre")) == b'{"kind":"organisation","name":"Centre"}'


def test_half_a_character_is_encoded_and_given_back():
    assert decode(encode(person("\ud800"))) == person("\ud800")


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\xff",
        b"[]",
        b"3",
        b'{"name":"Secret"}',
        b'{"kind":"robot","name":"Secret"}',
        b'{"kind":[],"name":"Secret"}',
        b'{"kind":"organisation","name":"Secret","nickname":"Secret"}',
        b'{"kind":"person","family_name":"Secret"}',
        b'{"kind":"person","family_name":"Secret","given_names":"S","birth_date":"Secret"}',
        b'{"kind":"organisation","name":"Secret","identifiers":[["Secret"]]}',
        b'{"kind":"organisation","name":"Secret"',
    ],
)
def test_what_is_not_an_encoded_identity_is_refused_without_showing_it(encoded):
    with pytest.raises(ValueError, match="not an encoded identity") as caught:
        decode(encoded)
    assert caught.value.__cause__ is None
    assert "Secret" not in "".join(traceback.format_exception_only(caught.value))


@given(persons | organisations)
def test_a_repr_shows_nothing(identity):
    sealed = f"{type(identity).__name__}(sealed)"
    assert repr(identity) == str(identity) == f"{identity}" == sealed


def test_changed_fields_are_named_not_shown():
    after = dataclasses.replace(person(), family_name="Durand", identifiers=(RPPS,))
    assert changed_fields(person(), after) == {"family_name", "identifiers"}
    assert changed_fields(person(), person()) == frozenset()


def test_an_unknown_that_becomes_known_is_a_change():
    assert changed_fields(person(birth_date=None), person()) == {"birth_date"}


def test_a_person_that_was_an_organisation_changes_kind():
    changed = changed_fields(Organisation("Martin"), person())
    assert changed == {"kind", "name", "family_name", "given_names", "birth_date"}


@given(persons | organisations, persons | organisations)
def test_identities_differ_exactly_when_a_field_changed(one, other):
    assert bool(changed_fields(one, other)) == (one != other)
