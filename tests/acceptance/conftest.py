"""What the acceptance tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.service import Office, Service, service
from tests.acceptance.story import LISTED, Entry, listed

# libfaketime moves the clock of whole processes. .ci/run installs it; where it is missing, the tests of
# test_time.py are not collected, rather than reported as skipped by everybody who lacks it.
LIBFAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
collect_ignore = [] if LIBFAKETIME else ["test_time.py"]


# For whoever asks for no other: a service, somebody of each role, and one who is listed.


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    with service() as made:
        yield made.start()


@pytest.fixture(scope="module")
def office(running: Service) -> Office:
    return Office.hired(running)


@pytest.fixture(scope="module")
def entry(office: Office) -> Entry:
    return listed(office.investigator, office.supervisor, LISTED)
