"""A text names somebody, however it writes the name or the number (P3, P6)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchlist.domain.identifiers import Identifier
from watchlist.domain.identity import Organisation, Person
from watchlist.domain.mention import mentions, mentions_any

RPPS = Identifier("rpps", "10000001916")
BRUNO = Person("Lefèvre-Œuvrard", "Bruno", date(1970, 1, 2), usage_name="Garçon", identifiers=(RPPS,))


def named(family_name: str, given_names: str = "Anne") -> Person:
    return Person(family_name, given_names)


@pytest.mark.parametrize(
    "text",
    [
        "Lefèvre-Œuvrard a facturé deux fois",
        "vu LEFEVRE OEUVRARD ce jour",
        "lefèvre‑œuvrard",  # a no-break hyphen
        "le\u0301fevre lefe\u0300vre oeuvrard",  # decomposed accents
        "M. Lefevreoeuvrard",
        "LEFEVRE_OEUVRARD.pdf",
        "bruno.lefevre-oeuvrard@exemple.fr",
        "l’époux de Mme « Lefèvre\nŒuvrard »",
        "ＬＥＦＥＶＲＥ-ＯＥＵＶＲＡＲＤ",  # full width
        "Lef\u200bèvre-Œuvrard",  # an invisible space
        "L E F E V R E  O E U V R A R D",
    ],
)
def test_a_name_is_found_however_it_is_written(text: str) -> None:
    assert mentions(text, BRUNO)


@pytest.mark.parametrize("text", ["Mme Garçon", "GARCON", "d'après garçon, rien", "l'épouse Garc\u0327on"])
def test_a_usage_name_is_a_name(text: str) -> None:
    assert mentions(text, BRUNO)


@pytest.mark.parametrize(
    "text",
    [
        "RPPS 10000001916",
        "RPPS 10 00 00 01 916",
        "10.000.001.916",
        "10-000-001-916",
        "n°10000001916.",
        "10\u00a0000\u202f001\u2009916",
        "100000\n01916",
        "(rpps:10000001916)",
        "10_000_001_916",
        "１００００００１９１６",
    ],
)
def test_a_number_is_found_however_it_is_spaced(text: str) -> None:
    assert mentions(text, BRUNO)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "rien à signaler",
        "10000001917",
        "1000000191",
        "Bruno",  # a given name alone is nobody's
        "Oeuvrard-Lefèvre",
        "Lefèvrette œuvrardine",
        "Garçonnet",
        "né le 02/01/1970",
    ],
)
def test_what_does_not_name_is_not_found(text: str) -> None:
    assert not mentions(text, BRUNO)


@pytest.mark.parametrize(
    "text", ["Delatour", "de la Tour", "DE-LA-TOUR", "Mme La Tour", "le dr Tour", "Latour"]
)
def test_particles_are_as_they_are_in_comparisons(text: str) -> None:
    assert mentions(text, named("de La Tour"))
    assert mentions(text, named("Delatour")) is (text.lower().replace(" ", "").replace("-", "") == "delatour")


@pytest.mark.parametrize(
    ("text", "expected"), [("N'Diaye", True), ("NDIAYE", True), ("N’diaye", True), ("D", False)]
)
def test_apostrophes_join(text: str, expected: bool) -> None:
    assert mentions(text, named("N'Diaye")) is expected


@pytest.mark.parametrize("text", ["Saint-Martin", "St Martin", "ST. MARTIN", "sainte martin"])
def test_saints_are_one_word(text: str) -> None:
    assert mentions(text, named("Saint-Martin"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("le praticien a facturé", False),
        ("Anne Le a facturé", True),
        ("LE Anne", True),
        ("M. Le a facturé", True),
        ("Mme LÊ", True),
        ("patient de Marie Anne Le", True),
        ("Le", False),
    ],
)
def test_a_name_as_short_as_a_word_needs_a_given_name_or_a_title_beside_it(text: str, expected: bool) -> None:
    assert mentions(text, named("Lê", "Marie-Anne")) is expected


def test_a_particle_is_not_mistaken_for_a_short_name() -> None:
    assert not mentions("une facture ou un avoir, or rien", named("d'Or"))
    assert mentions("M. d'Or", named("d'Or"))


@pytest.mark.parametrize(
    "text",
    [
        "Clinique du Parc",
        "la CLINIQUE DU PARC SARL",
        "SELARL clinique du parc",
        "Clinique-du-Parc",
        "cliniqueduparc",
    ],
)
def test_an_organisation_is_found_with_and_without_its_legal_form(text: str) -> None:
    assert mentions(text, Organisation("SARL Clinique du Parc"))
    assert mentions(text, Organisation("Clinique du Parc"))


def test_an_organisation_named_by_its_legal_form_alone_is_that() -> None:
    assert mentions("la société Sas", Organisation("SAS"))
    assert not mentions("la sasette", Organisation("SAS"))


def test_a_siret_in_a_text_names_its_siren() -> None:
    organisation = Organisation("X Y Z Santé", (Identifier("siren", "732829320"),))
    assert mentions("SIRET 732 829 320 00074", organisation)
    assert mentions("TVA FR 44 732829320", organisation)
    assert not mentions("SIREN 732 829 321", organisation)


def test_a_member_number_is_found_with_its_insurer_or_alone() -> None:
    member = Person("Absent", "Anne", identifiers=(Identifier("amc_member", "12345678/00012345"),))
    assert mentions("adhérent 12345678/00012345", member)
    assert mentions("adhérent 12345678 0001 2345", member)
    assert mentions("n° 00012345", member)
    assert not mentions("organisme 12345678", member)


def test_a_short_member_number_alone_is_only_a_number() -> None:
    member = Person("Absent", "Anne", identifiers=(Identifier("amc_member", "12345678/2024"),))
    assert not mentions("en 2024", member)
    assert mentions("12345678/2024", member)


def test_names_in_other_scripts_are_found() -> None:
    assert mentions("Гражданин Иванович", named("ИВАНОВИЧ"))
    assert not mentions("Гражданин", named("ИВАНОВИЧ"))


@pytest.mark.parametrize("nobody", [named("", ""), named("-", "..."), Organisation(""), Organisation("…")])
def test_nobody_is_named_by_nothing(nobody: Person | Organisation) -> None:
    assert not mentions("un texte, - ... …", nobody)


def test_a_usage_name_of_two_is_found_whole_and_not_by_half() -> None:
    marie = Person("De La Tour", "Marie Claude", usage_name="Lefèvre-Petit")
    assert mentions("M.-C. LEFEVRE PETIT", marie)
    assert mentions("vu avec De la Tour ce matin", marie)
    assert not mentions("Marie Claude a appelé Lefèvre", marie)


def test_an_erasure_is_not_hindered_by_a_word_that_is_also_a_name() -> None:
    assert not mentions("le dossier est clos", named("Le"))
    assert mentions("Mme Le a rappelé", named("Le"))


def test_of_several_one_suffices() -> None:
    assert mentions_any("vu Durand", [named("Dupont"), named("Durand")])
    assert not mentions_any("vu Durand", [])


@given(before=st.text(max_size=30), after=st.text(max_size=30))
def test_nothing_around_a_name_hides_it(before: str, after: str) -> None:
    assert mentions(f"{before} Lefèvre-Œuvrard {after}", BRUNO)


@given(st.text(max_size=80))
def test_any_text_can_be_asked_about(text: str) -> None:
    assert mentions(text, BRUNO) in (True, False)


@given(st.text(alphabet="abcdefgh ,.-'", max_size=60))
def test_a_text_without_its_letters_names_nobody(text: str) -> None:
    assert not mentions(text, named("Uvwxyz", "Anne"))
