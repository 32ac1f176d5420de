"""A lost key and an erased subject are told apart: what is lost is never shown as erased (P6)."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from api.problems import status_of
from tests.stories import Story, a_house, a_person, ask, rpps
from watchlist.application import case_file
from watchlist.application.register_subject import identity_of, rectify_subject, register_subject
from watchlist.application.replay import check
from watchlist.application.tidy_keys import lost_keys
from watchlist.application.work import Erased
from watchlist.application.work_on_case import add_note
from watchlist.domain.refusals import KeyLost
from watchlist.domain.subject import Role


@pytest.fixture(params=["the register's database", "its own"])
def keys_url(request: pytest.FixtureRequest) -> str | None:
    """The keys' own store, if they have one."""
    return request.getfixturevalue("key_store_url") if request.param == "its own" else None


@pytest.fixture
def story(database_url: str, keys_url: str | None) -> Iterator[Story]:
    with a_house(database_url, keys_conninfo=keys_url) as house:
        yield Story(house)


def lose(story: Story, *owners: UUID) -> None:
    """As a store restored from before they were made."""
    with psycopg.connect(story.house.keys_conninfo or story.house.conninfo) as conn:
        conn.execute("CREATE TEMPORARY TABLE aside AS SELECT * FROM watchlist_keys.data_keys")
        conn.execute("TRUNCATE watchlist_keys.data_keys")
        conn.execute(
            "INSERT INTO watchlist_keys.data_keys SELECT * FROM aside WHERE owner <> ALL(%b)", (list(owners),)
        )


def wrap_under_another(story: Story, owner: UUID) -> None:
    with psycopg.connect(story.house.keys_conninfo or story.house.conninfo) as conn:
        conn.execute(
            "UPDATE watchlist_keys.data_keys SET wrapped = set_byte(wrapped, 3, 255 - get_byte(wrapped, 3))"
            " WHERE owner = %b",
            (owner,),
        )


def forget_ciphertexts(story: Story, owner: UUID) -> None:
    with story.house.pool.connection() as conn:
        conn.execute("DELETE FROM vault WHERE owner = %b", (owner,))


LOSSES = [lose, wrap_under_another, forget_ciphertexts]


@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_lost_is_never_shown_as_erased(story: Story, loss: Callable[[Story, UUID], None]) -> None:
    subject_id = story.subject()
    case_id = story.case(subject_id)
    for owner in (subject_id, case_id):
        loss(story, owner)
    with pytest.raises(KeyLost) as told:
        case_file.read_subject(story.desk, subject_id, None)
    assert str(subject_id) not in str(told.value) + told.value.detail
    with pytest.raises(KeyLost):
        case_file.read_case(story.desk, case_id, None)
    assert (KeyLost.code, status_of(KeyLost)) == ("key_lost", 503)


@pytest.mark.parametrize("loss", LOSSES)
def test_what_was_destroyed_is_erased_whatever_else_is_gone(
    story: Story, loss: Callable[[Story, UUID], None]
) -> None:
    subject_id = story.subject()
    loss(story, subject_id)
    story.house.keyring.destroy([subject_id])
    assert case_file.read_subject(story.desk, subject_id, None)["erased"] is True


@pytest.mark.parametrize("loss", [lose, wrap_under_another])
def test_nothing_is_sealed_under_a_lost_key_and_it_is_not_said_to_be_erased(
    story: Story, loss: Callable[[Story, UUID], None]
) -> None:
    case_id = story.case(story.subject())
    loss(story, case_id)
    with pytest.raises(KeyLost):
        add_note(story.desk, ask(), case_id, "une note")
    story.house.keyring.destroy([case_id])
    with pytest.raises(Erased):
        add_note(story.desk, ask(), case_id, "une note")


def test_somebody_whose_key_is_lost_is_not_registered_or_rectified_as_if_erased(story: Story) -> None:
    subject_id = story.subject(a_person("Lefèvre", "Anne", rpps(1)))
    lose(story, subject_id)
    with pytest.raises(KeyLost):
        register_subject(story.desk, ask(), Role.OTHER, a_person("Lefèvre", "Anne", rpps(1)))
    with pytest.raises(KeyLost):
        rectify_subject(story.desk, ask(), subject_id, a_person("Durand"), "erreur", 1)
    assert story.count("subjects") == 1


def test_among_several_the_lost_are_told_and_the_others_open(story: Story) -> None:
    subjects = [story.desk.subject(story.subject(a_person(f"Nom{n}")), "GROUPAMA") for n in range(3)]
    kept, lost, erased = subjects
    lose(story, lost.id)
    story.house.keyring.destroy([erased.id])
    opened = story.desk.open_each((one.id, one.identity) for one in subjects)
    assert set(opened.values) == {kept.identity.ref}
    assert opened.lost == {lost.identity.ref}
    assert identity_of(story.desk, erased) is None


def test_a_key_destroyed_between_the_two_look_ups_is_an_erasure(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject_id = story.subject()
    vault = type(story.desk.vault)
    rows = vault.rows

    def erased_first(self: Any, refs: Any) -> Any:
        story.house.keyring.destroy([subject_id])
        forget_ciphertexts(story, subject_id)
        return rows(self, refs)

    with monkeypatch.context() as patch:
        patch.setattr(vault, "rows", erased_first)
        assert case_file.read_subject(story.desk, subject_id, None)["erased"] is True


def test_lost_keys_are_counted_and_destroyed_ones_are_not(story: Story) -> None:
    subjects = [story.subject(a_person(f"Nom{n}")) for n in range(4)]
    case_id = story.case(subjects[0])
    assert lost_keys(story.desk, story.house.register) == 0
    lose(story, subjects[1], case_id)
    story.house.keyring.destroy([subjects[2]])
    wrap_under_another(story, subjects[3])
    assert lost_keys(story.desk, story.house.register) == 2
    assert story.house.keyring.unopenable() == 1


def test_a_case_file_brings_its_key_along_or_looks_for_it_once(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = story.case(story.subject())
    for _ in range(5):
        add_note(story.desk, ask(), case_id, "une note")
    asked: list[str] = []
    for kind, name in ((type(story.house.keyring), "_rows"), (type(story.desk.vault), "rows")):
        real = getattr(kind, name)

        def counted(self: Any, *args: Any, real: Any = real, name: str = name) -> Any:
            asked.append(name)
            return real(self, *args)

        monkeypatch.setattr(kind, name, counted)
    case_file.read_case(story.desk, case_id, None)
    looked_for = [] if story.house.keyring.travels else ["_rows"]
    assert asked == [*looked_for, "rows"]


def test_a_replay_tells_what_it_cannot_make_again(story: Story) -> None:
    subject_id = story.subject()
    lose(story, subject_id)
    _, differences = check(story.desk, story.house.snapshots)
    assert {(one.table, one.kind) for one in differences} == {("subject_tokens", "unexpected")}
