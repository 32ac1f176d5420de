"""Every event ever recorded can still be read, and none has room for a person's data.

A sample is a stored document, byte for byte; its file is named after the topic and the format, then what is
particular to it. Samples are added, never changed: what was recorded stays recorded.
"""

import enum
import json
import types
import typing
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest

from watchlist.adapters.codec import UPCASTS, EventCodec, UnreadableEvent
from watchlist.domain.aggregate import Event
from watchlist.domain.commitment import Sealed
from watchlist.domain.inscription import Provenance
from watchlist.domain.reply import OfACase
from watchlist.domain.topics import all_events

SAMPLES = sorted(Path(__file__).with_name("samples").glob("*.json"))
EVENTS = sorted(all_events().items())

codec = EventCodec()


def topic_of(sample: Path) -> str:
    return sample.name.partition("~")[0]


def read(topic: str, document: dict) -> Event:
    state = json.dumps(document).encode()
    return codec.decode(topic, UUID(document["stream"]), document["version"], state)


# Samples --------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_what_was_recorded_can_still_be_read(sample):
    state = sample.read_bytes()
    document = json.loads(state)
    event = codec.decode(topic_of(sample), UUID(document["stream"]), document["version"], state)
    assert type(event) is all_events()[topic_of(sample)]
    if document["format"] == event.FORMAT:
        assert codec.to_stored_event(event).state == state


@pytest.mark.parametrize(("topic", "event_class"), EVENTS)
def test_every_event_has_a_sample_of_its_present_format(topic, event_class):
    name = f"{topic}~{event_class.FORMAT}.json"
    document = codec.to_stored_event(an_example(event_class)).state.decode()
    assert name in [sample.name for sample in SAMPLES], f"store in tests/domain/samples/{name}: {document}"


@pytest.mark.parametrize(("topic", "event_class"), EVENTS)
def test_every_format_a_topic_ever_had_has_a_sample_and_is_read_by_an_upcast(topic, event_class):
    for older in range(1, event_class.FORMAT):
        assert f"{topic}~{older}.json" in [sample.name for sample in SAMPLES]
        assert (topic, older) in UPCASTS


class Moved(Event, frozen=True, kw_only=True):
    """An event of this test, in its third format: first a word, then a code, then a code and where to."""

    TOPIC = "test.moved"
    FORMAT = 3
    code: str
    to: str


def with_a_code(document: dict) -> dict:
    word = document.pop("word")
    return document | {"format": 2, "code": word.lower()}


def with_a_place(document: dict) -> dict:
    return document | {"format": 3, "to": "unknown"}


CHAIN = {("test.moved", 1): with_a_code, ("test.moved", 2): with_a_place}
PLACE = {"stream": str(UUID(int=7)), "version": 2, "at": "2021-03-15T09:00:00Z", "by": str(UUID(int=8))}


@pytest.mark.parametrize(
    "document",
    [
        {"format": 1, "word": "FAR"},
        {"word": "FAR"},
        {"format": 2, "code": "far"},
        {"format": 3, "code": "far", "to": "unknown"},
    ],
)
def test_a_document_of_each_older_format_becomes_the_event_of_today(document):
    of_a_test = EventCodec({"test.moved": Moved}, CHAIN)
    state = json.dumps(PLACE | {"organisation": "GROUPAMA"} | document).encode()
    event = of_a_test.decode("test.moved", UUID(int=7), 2, state)
    assert (event.code, event.to, event.format) == ("far", "unknown", 3)


def test_a_format_between_without_an_upcast_is_refused():
    of_a_test = EventCodec({"test.moved": Moved}, {("test.moved", 1): with_a_code})
    state = json.dumps(PLACE | {"organisation": "GROUPAMA", "format": 1, "word": "FAR"}).encode()
    with pytest.raises(UnreadableEvent, match=r"test\.moved: no upcast from format 2"):
        of_a_test.decode("test.moved", UUID(int=7), 2, state)


def test_every_sample_is_of_a_topic_that_is_still_known():
    assert {topic_of(sample) for sample in SAMPLES} <= set(all_events())


# Strictness -----------------------------------------------------------------------------------

A_CLOSING = json.loads((Path(__file__).with_name("samples") / "case.closed~1.json").read_bytes())
A_NOTE = json.loads((Path(__file__).with_name("samples") / "case.note_added~1.json").read_bytes())


@pytest.mark.parametrize(
    "newer", [{"format": 2}, {"format": 2, "later": "field"}, {"format": 2, "outcome": "later code"}]
)
def test_a_document_of_a_newer_format_is_refused(newer):
    with pytest.raises(UnreadableEvent, match="newer"):
        read("case.closed", A_CLOSING | newer)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"surprise": 1}, id="an unknown field"),
        pytest.param({"outcome": "guilty"}, id="an unknown code"),
        pytest.param({"outcome": None}, id="nothing where something is due"),
        pytest.param({"at": "yesterday"}, id="no instant"),
        pytest.param({"by": "Anne"}, id="a name for an id"),
    ],
)
def test_a_document_that_is_not_as_recorded_is_refused(changed):
    with pytest.raises(UnreadableEvent, match="not as recorded"):
        read("case.closed", A_CLOSING | changed)


def test_an_unknown_field_within_a_value_is_refused_too():
    with pytest.raises(UnreadableEvent):
        read("case.note_added", A_NOTE | {"text": A_NOTE["text"] | {"clear": "un nom"}})


def test_a_document_of_another_place_is_refused():
    state = json.dumps(A_CLOSING).encode()
    for stream, version in ((uuid4(), A_CLOSING["version"]), (UUID(A_CLOSING["stream"]), 99)):
        with pytest.raises(UnreadableEvent, match="another place"):
            codec.decode("case.closed", stream, version, state)


def test_an_unknown_topic_is_refused():
    with pytest.raises(UnreadableEvent, match="unknown topic"):
        read("case.sung", A_CLOSING)


@pytest.mark.parametrize("state", [b"", b"{", b"[]", b'{"format": "2"}'])
def test_what_is_no_document_at_all_is_refused_alike(state):
    with pytest.raises(UnreadableEvent):
        codec.decode("case.closed", UUID(A_CLOSING["stream"]), 3, state)


def test_a_refusal_to_read_shows_nothing_of_what_it_read():
    with pytest.raises(UnreadableEvent) as refused:
        read("case.closed", A_CLOSING | {"outcome": "Jean Dupont"})
    assert "Dupont" not in str(refused.value)


# What an event is made of ---------------------------------------------------------------------


@pytest.mark.parametrize(("topic", "event_class"), EVENTS)
def test_every_event_names_its_own_topic(topic, event_class):
    assert event_class.__dict__["TOPIC"] == topic


def test_no_two_events_share_a_topic():
    topics = [cls.TOPIC for cls in _every_leaf(Event) if cls is not Moved]
    assert len(topics) == len(set(topics)) == len(all_events())


CODES_DATES_IDS_AND_PROOFS = {UUID, date, datetime, int, bool, Sealed, Provenance, OfACase, types.NoneType}
EXCEPTIONS = {
    # the code of a member organisation: a legal person's, in a fixed form, and in every event
    ("*", "organisation"): str,
    # the names of the fields of an identity that changed, which the code chooses; never their values
    ("subject.rectified", "fields"): tuple[str, ...],
}


@pytest.mark.parametrize(("topic", "event_class"), EVENTS)
def test_no_event_has_room_for_a_persons_data(topic, event_class):
    for name, type_ in _types(event_class).items():
        excepted = EXCEPTIONS.get((topic, name)) or EXCEPTIONS.get(("*", name))
        assert type_ == excepted or _holds_no_text(type_), f"{topic}: {name} could hold a personal value"


def test_what_an_event_is_made_of_has_no_room_either():
    for part in (Sealed, Provenance, OfACase):
        assert all(t is bytes or _holds_no_text(t) for t in _types(part).values())


def _holds_no_text(type_: object) -> bool:
    parts = [part for part in typing.get_args(type_) if part is not Ellipsis]
    if parts:
        return all(_holds_no_text(part) for part in parts)
    is_code = isinstance(type_, type) and issubclass(type_, enum.Enum)
    return is_code or type_ in CODES_DATES_IDS_AND_PROOFS


def _types(struct: type) -> dict[str, typing.Any]:
    hints = typing.get_type_hints(struct)
    return {field.name: hints[field.name] for field in msgspec.structs.fields(struct)}


def _every_leaf(event_class: type[Event]) -> list[type[Event]]:
    below = event_class.__subclasses__()
    return [leaf for sub in below for leaf in _every_leaf(sub)] if below else [event_class]


# An example, for whoever adds an event --------------------------------------------------------

PLAIN = {
    UUID: UUID("5eed0000-0000-4000-8000-000000000001"),
    date: date(2021, 3, 15),
    datetime: datetime(2021, 3, 15, 9, 0, 0, 123456, tzinfo=UTC),
    int: 1,
    bool: True,
    str: "GROUPAMA",
    bytes: bytes(range(32)),
}


def an_example(struct: type) -> typing.Any:
    return struct(**{name: _a_value(type_) for name, type_ in _types(struct).items()})


def _a_value(type_: typing.Any) -> typing.Any:
    parts = typing.get_args(type_)
    if type_ in PLAIN:
        return PLAIN[type_]
    if typing.get_origin(type_) is tuple:
        return (_a_value(parts[0]),)
    if parts:
        return _a_value(next(part for part in parts if part is not types.NoneType))
    return next(iter(type_)) if issubclass(type_, enum.Enum) else an_example(type_)
