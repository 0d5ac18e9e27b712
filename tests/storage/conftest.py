"""A store in a folder of its own, with a clock that ticks one second a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage import (
    Document,
    Model,
    NewLine,
    NewReading,
    Page,
    ReadCharacter,
    Store,
    add_document,
    add_page,
    open_store,
    register_model,
    replace_lines,
)


class TickingClock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


@pytest.fixture
def clock() -> TickingClock:
    return TickingClock()


@pytest.fixture
def store(tmp_path: Path, clock: TickingClock) -> Iterator[Store]:
    with open_store(tmp_path / "data", clock) as opened:
        yield opened


@pytest.fixture
def document(store: Store) -> Document:
    return add_document(store, "Letters")


@pytest.fixture
def page(store: Store, document: Document) -> Page:
    return add_page(store, document.id, "scan 1.jpg", b"image one", "jpg", 800, 600, b"thumb")


@pytest.fixture
def model(store: Store) -> Model:
    return register_model(store, b"weights one", "Latin cursive", ["a", "b"])


@pytest.fixture
def new_line() -> Callable[[str], NewLine]:
    """Makes a line as segmentation and recognition would, from the text that was read."""

    def make(text: str) -> NewLine:
        characters = tuple(
            ReadCharacter(character, 0.5, index * 10.0, index * 10.0 + 9.0)
            for index, character in enumerate(text)
        )
        return NewLine(
            baseline=((10.0, 50.5), (200.0, 52.0)),
            polygon=((10.0, 20.0), (200.0, 20.0), (200.0, 60.0)),
            spacing_px=40.25,
            flags=("vertical",),
            reading=NewReading(text, 0.75, characters, 768.0),
        )

    return make


@pytest.fixture
def lines(store: Store, page: Page, model: Model, new_line: Callable[[str], NewLine]) -> list[int]:
    """The numbers of three lines on the page, read as "one", "two" and "three"."""
    return replace_lines(store, page.id, [new_line(t) for t in ("one", "two", "three")], model.id)
