"""What a search shows: the right lines, with the words lit where their ink is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import storage
from services.search import LineSearch, lit_shares

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
TEXTS = ("grande douleur", "petite douleur", "la table")


def reading(text: str) -> storage.Reading:
    """A reading whose characters are 10 px wide each."""
    characters = tuple(
        storage.ReadCharacter(letter, 0.9, 10.0 * n, 10.0 * n + 10) for n, letter in enumerate(text)
    )
    return storage.Reading(1, 1, 1, text, 0.9, characters, 10.0 * len(text), MOMENT)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[storage.Store]:
    with storage.open_store(tmp_path / "data") as opened:
        document = storage.add_document(opened, "Letters")
        page = storage.add_page(opened, document.id, "1", b"one", "jpg", 600, 300)
        model = storage.register_model(opened, b"weights", "hand", ["a"])
        lines = [
            storage.NewLine(((0.0, 9.0), (90.0, 9.0)), (), 9.0, reading=_new(text))
            for text in TEXTS
        ]
        storage.replace_lines(opened, page.id, lines, model.id)
        yield opened


def _new(text: str) -> storage.NewReading:
    read = reading(text)
    return storage.NewReading(read.text, 0.9, read.characters, read.crop_width_px)


def test_found_lines_come_with_place_text_and_light(store: storage.Store) -> None:
    found = LineSearch(store).find("douleur ")
    assert [hit.shown.text for hit in found.hits] == ["grande douleur", "petite douleur"]
    assert (found.count, found.more, found.after) == (2, False, None)
    assert found.hits[0].spans == ((7, 14),)
    assert found.hits[0].lit == ((0.5, 1.0),)
    assert (found.hits[1].place.number, found.hits[1].place.title) == (2, "Letters")


def test_more_lines_follow_after_the_last_one_shown(store: storage.Store) -> None:
    search = LineSearch(store)
    first = search.find("douleur ", most=1)
    assert (len(first.hits), first.count) == (1, 2)
    assert first.after is not None
    second = search.find("douleur ", most=1, after=first.after)
    assert second.hits[0].shown.text == "petite douleur"


def test_words_that_were_looked_for_as_well_are_named(store: storage.Store) -> None:
    found = LineSearch(store).find("donleur ", similar=True)
    assert found.words == ("douleur",)
    assert len(found.hits) == 2
    assert [hit.spans for hit in found.hits] == [((7, 14),), ((7, 14),)]


def test_index_follows_by_itself_once_it_is_started(store: storage.Store) -> None:
    search = LineSearch(store)
    search.start()
    for _ in range(1000):
        if not search.lines_due():
            break
        search._stop.wait(0.02)
    search.stop()
    assert search.lines_due() == 0


def test_light_of_a_corrected_text_lies_where_the_machine_read_the_same_letters() -> None:
    ((start, end),) = lit_shares("la grande douleur", [(3, 9)], reading("la gnde douleur"))
    assert start == pytest.approx(3 / 15)
    assert end == pytest.approx(7 / 15)


def test_light_of_a_line_that_no_machine_has_read_divides_it_evenly() -> None:
    assert lit_shares("abcd", [(1, 3)], None) == ((0.25, 0.75),)


def test_light_of_letters_that_the_machine_missed_stays_within_the_image() -> None:
    for spans in ([(0, 3)], [(0, 6)], [(3, 6)]):
        for read in ("", "a", "xyzxyz"):
            for start, end in lit_shares("abcdef", spans, reading(read)):
                assert 0 <= start <= end <= 1
