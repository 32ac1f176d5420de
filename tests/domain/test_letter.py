"""What letters say: plain words, presumed facts, everything that article 14 asks for (L12, P1-P4)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from tests import letters
from tests.domain.builders import act
from tests.letters import (
    CONTACTS,
    DEFERRED,
    EXPORT,
    REFERENCE,
    asked,
    ended,
    every_letter,
    facts,
    heading,
    text_of,
)
from watchlist.domain.correspondence import Template
from watchlist.domain.identity import Organisation, Person
from watchlist.domain.inscription import DelistingGround, Ground
from watchlist.domain.inscription_letter import (
    ENDS,
    GROUNDS,
    RECIPIENTS,
    SOURCES,
    delisting_letter,
    inscription_letter,
)
from watchlist.domain.letter import (
    RIGHTS,
    WHO_IS_TOLD,
    Contacts,
    addressee,
    in_french,
    instant_in_french,
    months_in_french,
)
from watchlist.domain.rights_letter import (
    GRANTED,
    PORTABILITY_REFUSED,
    Entries,
    access_answer,
    extension,
    grant,
    refusal,
    restriction_to_be_lifted,
)
from watchlist.domain.rights_request import CONTESTING, Right, RightsRequest

NEVER_SAID = re.compile(
    r"\bcoupables?\b|fraudeu[rs]|fraudeuse|fraudes? (?:avérée|prouvée|constatée|commise)|"
    r"(?:a|avez|ayant) fraudé|escroc|délinquant|criminel|malfaiteur|votre fraude|avez commis|vos agissements",
    re.IGNORECASE,
)

# Wording --------------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", every_letter(), ids=lambda letter: letter.template)
def test_nobody_is_called_guilty_and_facts_are_presumed(letter):
    text = text_of(letter)
    assert not NEVER_SAID.search(text)
    assert "présum" in text
    assert "présomption d'innocence" in text or letter.template in (Template.DELISTING_1,)


def test_every_template_is_written_by_some_letter():
    assert {letter.template for letter in every_letter()} == set(Template)


def test_every_ground_of_inscription_is_told_as_a_suspicion():
    assert set(GROUNDS) == set(Ground)
    assert all(sentence.startswith("des soupçons d") for sentence in GROUNDS.values())


def test_every_ground_of_delisting_and_every_source_has_its_words():
    assert set(ENDS) == set(DelistingGround)
    assert all(words.startswith("d'un") for words in SOURCES.values())


def test_no_letter_has_a_code_where_words_are_due():
    for letter in every_letter():
        assert not re.search(r"\b[a-z]+_[a-z]+\b", text_of(letter)), letter.template


def test_every_letter_says_how_to_write_to_whom_and_how_to_complain():
    for letter in every_letter():
        text = text_of(letter)
        for word in (
            CONTACTS.controller_email,
            CONTACTS.dpo,
            CONTACTS.dpo_email,
            "CNIL",
            "Référence : 7f3e2a54",
        ):
            assert word in text, letter.template


# The inscription ------------------------------------------------------------------------------


def test_the_letter_on_an_inscription_tells_all_that_the_law_asks():
    text = text_of(inscription_letter(heading(), facts()))
    for told in (
        "depuis le 1er mars 2026",  # the fact
        "prestations qui n'auraient pas été réalisées ;",
        "au-delà de ce qui aurait été réalisé ou dû.",
        "Les informations proviennent d'un contrôle.",  # the source
        "prévenir et à rechercher les fraudes présumées",  # the purpose
        "intérêt légitime",  # the legal basis
        "L'inscription dure 60 mois (5 ans). Son dernier jour est le 1er mars 2031",  # the term
        "Rien n'est décidé automatiquement",
        "Elle ne contient aucune donnée de santé.",
        *RECIPIENTS,
        *RIGHTS,
    ):
        assert told in text


def test_the_words_of_the_letter_on_an_inscription_are_these():
    text = text_of(inscription_letter(heading(), facts()))
    head = text.partition("## À quoi sert cette liste")[0]
    assert head == (
        "Information sur votre inscription sur une liste de fraudes présumées\n"
        "Organisme Exemple\n1 rue des Lilas, 75000 Paris\nregistre@exemple.invalid\nMarie Claude Delatour\n"
        "Le 2 mars 2026\nRéférence : 7f3e2a54-3b0e-4f0e-9d6e-0c5a9a3f1b7d\nMadame, Monsieur,\n"
        "À la demande de l'organisme GRPM, votre nom figure depuis le 1er mars 2026 sur une liste de fraudes "
        "présumées à l'assurance complémentaire santé. Cette lettre vous dit pourquoi, pour combien de temps, qui "
        "peut le savoir et quels sont vos droits.\n"
        "Inscription : depuis le 1er mars 2026\nDurée : 60 mois (5 ans)\nDernier jour : 1er mars 2031\n"
        "Demandée par : organisme GRPM\n"
        "## Ce qui a conduit à cette inscription\nL'inscription repose sur :\n"
        "- des soupçons de facturation de prestations qui n'auraient pas été réalisées ;\n"
        "- des soupçons de facturation au-delà de ce qui aurait été réalisé ou dû.\n"
        "Il s'agit de faits présumés. L'inscription n'est ni une sanction ni une condamnation ; elle ne préjuge "
        "d'aucune décision de justice, et vous bénéficiez de la présomption d'innocence.\n"
        "Elle a été proposée par une personne habilitée et approuvée par une seconde, après examen de sa "
        "proportionnalité. Les informations proviennent d'un contrôle. La liste contient votre identité, vos numéros "
        "professionnels ou d'organisme s'il y en a, ces motifs et ces dates. Elle ne contient aucune donnée de "
        "santé.\n"
    )


def test_a_procedure_that_will_hold_the_entry_is_told():
    text = text_of(inscription_letter(heading(), facts(held=True)))
    assert (
        "maintenue jusqu'à ce que cette procédure soit définitivement terminée. Une telle procédure" in text
    )


def test_an_entry_held_past_its_term_is_told_as_held():
    text = text_of(inscription_letter(heading(dated=date(2031, 3, 2)), facts(held=True)))
    assert "jusqu'au 1er mars 2031 inclus. Elle est maintenue au-delà" in text
    assert "Ce maintien est réexaminé chaque année." in text
    on_its_last_day = text_of(inscription_letter(heading(dated=date(2031, 3, 1)), facts(held=True)))
    assert "maintenue au-delà" not in on_its_last_day


def test_a_restricted_entry_is_told_as_answered_to_nobody():
    told = "l'inscription est limitée : elle n'est communiquée à personne"
    assert told in text_of(inscription_letter(heading(), facts(restricted=True)))
    assert told not in text_of(inscription_letter(heading(), facts()))


def test_an_imported_entry_says_that_it_was_taken_over():
    text = text_of(inscription_letter(heading(), facts(imported=True, source=None)))
    assert "Elle a été reprise d'une liste antérieure" in text
    assert "Les informations proviennent" not in text


# The delisting --------------------------------------------------------------------------------


def test_the_letter_on_a_delisting_says_what_ended_when_why_and_who_is_told():
    text = text_of(delisting_letter(heading(), ended(DelistingGround.REPAID, ended_on=date(2027, 5, 1))))
    assert "Inscription : du 1er mars 2026 au 1er mai 2027" in text
    assert "Ce règlement ne vaut pas reconnaissance des faits présumés." in text
    assert WHO_IS_TOLD in text


def test_who_was_never_informed_learns_with_the_delisting_what_the_inscription_was():
    late = text_of(delisting_letter(heading(), ended(informed=False)))
    told = text_of(delisting_letter(heading(), ended(informed=True)))
    for part in (
        "prestations qui n'auraient pas été réalisées",
        "intérêt légitime des organismes",
        *RECIPIENTS,
    ):
        assert part in late
        assert part not in told


def test_a_hold_that_ceased_is_told():
    assert "ce maintien a cessé" in text_of(delisting_letter(heading(), ended(was_held=True)))
    assert "ce maintien a cessé" not in text_of(delisting_letter(heading(), ended()))


# The rights desk ------------------------------------------------------------------------------


def test_portability_is_refused_always_with_the_same_reason():
    text = text_of(refusal(heading(), asked(Right.PORTABILITY), "another reason"))
    assert PORTABILITY_REFUSED in text
    assert "another reason" not in text


@pytest.mark.parametrize("kind", [kind for kind in Right if kind is not Right.PORTABILITY])
def test_every_other_refusal_says_its_own_reason_and_its_article(kind):
    text = text_of(refusal(heading(), asked(kind), "Une raison propre."))
    assert "Une raison propre." in text
    assert "article" in text
    with pytest.raises(ValueError, match="reason"):
        refusal(heading(), asked(kind))


def test_an_extension_says_why_and_until_when():
    text = text_of(extension(heading(), asked(Right.OBJECTION), "Une pièce manque.", date(2026, 5, 4)))
    assert "Une pièce manque." in text
    assert "au plus tard le 4 mai 2026" in text


@pytest.mark.parametrize("kind", Right)
def test_an_extension_says_that_nobody_is_told_meanwhile_only_where_that_is_so(kind):
    text = text_of(extension(heading(), asked(kind), "Une pièce manque.", date(2026, 5, 4)))
    assert ("n'est communiqué à personne" in text) is (kind in CONTESTING)


def test_what_was_granted_is_said_with_what_follows():
    assert "Nous ne pouvons plus les lire" in text_of(grant(heading(), asked(Right.ERASURE)))
    ended = Entries(1, date(2026, 2, 20))
    assert "l'inscription demandée par l'organisme GRPM a pris fin le 20 février 2026" in text_of(
        grant(heading(), asked(Right.OBJECTION), entries=ended)
    )
    several = Entries(2, date(2026, 2, 20))
    assert "les inscriptions demandées par l'organisme GRPM ont pris fin" in text_of(
        grant(heading(), asked(Right.OBJECTION), entries=several)
    )
    assert "aucune inscription demandée par l'organisme GRPM n'était alors en cours" in text_of(
        grant(heading(), asked(Right.OBJECTION))
    )


def test_of_a_change_those_are_told_whose_answer_changes_and_nobody_else():
    changing = [grant(heading(), asked(kind)) for kind in GRANTED if kind is not Right.DIRECTIVES]
    for letter in (*changing, delisting_letter(heading(), ended())):
        text = text_of(letter)
        assert WHO_IS_TOLD in text
        assert not re.search(r"organismes auxquels[^.]*sont avertis", text)
    assert WHO_IS_TOLD not in text_of(grant(heading(), asked(Right.DIRECTIVES)))


@pytest.mark.parametrize("letter", every_letter(), ids=lambda letter: letter.template)
def test_no_letter_says_what_other_organisations_have_on_the_list(letter):
    text = text_of(letter)
    assert "ne figure plus" not in text
    assert "votre nom n'y figure plus" not in text
    answers = (Template.ACCESS_1, Template.REFUSAL_1, Template.GRANT_1)
    alone = "chaque organisme membre du registre répond de ce qui est à lui"
    assert (alone in text) is (letter.template in answers)


@pytest.mark.parametrize("kind", Right)
def test_an_answer_tells_of_the_end_of_a_restriction_exactly_where_it_ends_one(kind):
    request = RightsRequest.receive(act("2026-02-01"), REFERENCE, kind, REFERENCE, date(2026, 2, 1))
    ends = request.contests
    letters = [refusal(heading(), asked(kind), "Une raison.")]
    letters += [grant(heading(), asked(kind))] if kind in GRANTED else []
    for letter in letters:
        assert ("Cette limitation prend fin" in text_of(letter)) is ends
        assert ("à partir du 2 mars 2026" in text_of(letter)) is ends


@pytest.mark.parametrize(
    "letter",
    [
        grant(heading(), asked(Right.DIRECTIVES)),
        refusal(heading(), asked(Right.DIRECTIVES), "Une raison."),
        extension(heading(), asked(Right.DIRECTIVES), "Une raison.", date(2026, 5, 4)),
    ],
    ids=lambda letter: letter.template,
)
def test_whoever_asks_about_directives_is_not_taken_for_the_dead(letter):
    text = text_of(letter)
    assert "la personne décédée bénéficie de la présomption d'innocence" in text
    for said_to_the_person in (
        "vous bénéficiez",
        "Vous pouvez les modifier",
        "Vos directives",
        "vos données",
    ):
        assert said_to_the_person not in text


def test_the_directives_are_carried_out_for_whom_they_name_or_the_heirs():
    text = text_of(grant(heading(), asked(Right.DIRECTIVES)))
    assert "La personne que les directives désignent pour leur exécution ou, à défaut, les héritiers" in text


def test_a_person_is_told_before_a_restriction_is_lifted():
    letter = restriction_to_be_lifted(heading(), asked(Right.OBJECTION), "Confirmé.", date(2026, 5, 4))
    assert "Cette limitation sera levée le 4 mai 2026" in text_of(letter)


# Access ---------------------------------------------------------------------------------------


def test_an_access_answer_is_tables_that_a_person_can_read():
    text = text_of(access_answer(heading(), asked(), EXPORT))
    for line in (
        "Établi le | 2 mars 2026 à 13 h 05",
        "Nom de naissance | Delatour",
        "Date de naissance | 28 février 1970",
        "[Votre identité, identifiants (1)]\nType d'identifiant | RPPS\nValeur | 10000001916",
        "État | clos",
        "Résumé | Une ligne\nune autre",
        "Examen de proportionnalité, Gravité | répétée",
        "Le | 2 janvier 2026 à 0 h 30",
        "Texte | closed",  # what a person wrote is not taken for a code
        "Communications | aucun",
    ):
        assert line in text


def test_nothing_of_an_export_is_left_out():
    export = {
        f"part_{n}": [{"deep": {"deeper": [{"field": f"value {n}.{m}"}]}} for m in range(3)] for n in range(3)
    }
    text = text_of(access_answer(heading(), asked(), {**export, "list": ["a", "b"], "nothing": None}))
    assert all(f"value {n}.{m}" in text for n in range(3) for m in range(3))
    assert "List | a, b" in text
    assert "Nothing | non renseigné" in text


def test_a_deferred_part_is_named_with_its_reason_and_its_review():
    text = text_of(access_answer(heading(), asked(), EXPORT, DEFERRED))
    told = "Une vérification est en cours. Nous réexaminerons ce report le 1er septembre 2026."
    assert f"- Notes du dossier : {told}" in text
    assert "Notre réponse : acceptée en partie" in text


# Words and dates ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 3, 1), "1er mars 2026"),
        (date(2024, 2, 29), "29 février 2024"),
        (date(2026, 8, 11), "11 août 2026"),
    ],
)
def test_a_day_is_written_as_in_french(day, words):
    assert in_french(day) == words


def test_an_instant_is_told_as_clocks_in_paris_show_it():
    assert instant_in_french(datetime(2026, 6, 30, 22, 5, tzinfo=UTC)) == "1er juillet 2026 à 0 h 05"


@pytest.mark.parametrize(
    ("months", "words"), [(60, "60 mois (5 ans)"), (12, "12 mois (1 an)"), (18, "18 mois"), (1, "1 mois")]
)
def test_a_term_is_told_in_months_and_whole_years(months, words):
    assert months_in_french(months) == words


def test_a_person_is_written_to_under_the_name_they_use():
    assert addressee(Person("Delatour", "Marie", usage_name="Martin")) == ("Marie Martin",)
    assert addressee(Person("Delatour", "Marie")) == ("Marie Delatour",)
    assert addressee(Organisation("Centre des Lilas")) == ("Centre des Lilas",)


def test_the_contacts_of_the_demonstration_say_that_they_are_fictitious():
    assert Contacts().are_fictitious
    assert not letters.CONTACTS.are_fictitious
    assert "fictif" in Contacts().controller
    assert "fictif" in Contacts().dpo
