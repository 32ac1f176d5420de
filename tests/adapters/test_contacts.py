"""Who letters name: from the environment, all of it or none (the demonstration's, marked as fictitious)."""

from __future__ import annotations

import pytest

from watchlist.domain.letter import Contacts
from watchlist.settings import CONTACTS, Settings, SettingsError

GIVEN = {name: f"{name} Exemple" for name in CONTACTS}


def test_letters_name_whom_the_environment_names():
    settings = Settings.from_environment(GIVEN)
    assert settings.contacts.dpo == "WATCHLIST_DPO Exemple"
    assert not settings.contacts.are_fictitious
    assert {name: settings.shown()[name] for name in CONTACTS} == GIVEN


def test_without_any_they_are_the_demonstrations():
    assert Settings.from_environment({}).contacts == Contacts()


@pytest.mark.parametrize("missing", CONTACTS)
def test_half_of_them_is_refused_and_what_is_missing_is_named(missing):
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment(GIVEN | {missing: " "})
    assert f"set {missing} too" in str(refused.value)
