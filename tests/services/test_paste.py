"""A pasted transcription: laid onto the lines, taken as corrections as a whole, and undone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import storage
from exchange import ExchangeError
from services.paste import lay_on, take_texts, untake_texts

READ = ("the quik brown fox", "jumps ower the lasy dog", "and runs avay from it")
TRUTH = "the quick brown fox\njumps over the lazy dog\nand runs away from it"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[storage.Store]:
    with storage.open_store(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def page(store: storage.Store) -> storage.Page:
    document = storage.add_document(store, "Letters")
    page = storage.add_page(store, document.id, "1.png", b"image", "png", 400, 300)
    model = storage.register_model(store, b"weights", "Latin", ["a"])
    lines = [
        storage.NewLine(
            ((10.0, 50.0 * n), (390.0, 50.0 * n)), (), 40.0, reading=storage.NewReading(text, 0.5)
        )
        for n, text in enumerate(READ, start=1)
    ]
    aside = storage.NewLine(((10.0, 250.0), (20.0, 250.0)), (), 40.0, kind=storage.ASIDE)
    storage.replace_lines(store, page.id, [*lines, aside], model.id)
    return page


def chosen(store: storage.Store, page: storage.Page, text: str) -> dict:
    return {
        line.shown.line.id: (line.text, line.shown.parent_id)
        for line in lay_on(store, page.id, text).lines
        if line.chosen
    }


@pytest.mark.parametrize("text", [TRUTH, TRUTH.replace("\n", " ")])
def test_transcription_goes_onto_its_lines_with_or_without_line_breaks(
    store: storage.Store, page: storage.Page, text: str
) -> None:
    assert [line.text for line in lay_on(store, page.id, text).lines] == TRUTH.splitlines()
    made = take_texts(store, page.id, chosen(store, page, text), "ada")
    assert [(revision.status, revision.author) for revision in made] == [("corrected", "ada")] * 3
    shown = [line.text for line in storage.lines_of(store, page.id)]
    assert shown == [*TRUTH.splitlines(), ""]


def test_undo_brings_back_what_was_read_but_not_over_later_work(
    store: storage.Store, page: storage.Page
) -> None:
    made = take_texts(store, page.id, chosen(store, page, TRUTH), "ada")
    storage.correct_line(store, made[1].line_id, "mine", "confirmed", "bob", made[1].id)
    assert untake_texts(store, [(one.line_id, one.id) for one in made], "ada") == 2
    lines = storage.lines_of(store, page.id)
    assert [line.text for line in lines[:3]] == [READ[0], "mine", READ[2]]
    assert [line.status for line in lines[:3]] == ["machine", "confirmed", "machine"]


def test_what_fits_no_line_is_left_over(store: storage.Store, page: storage.Page) -> None:
    text = TRUTH.replace("\njumps", "\nA line that is nowhere on this page at all\njumps")
    pasted = lay_on(store, page.id, text)
    assert pasted.left_over == ("A line that is nowhere on this page at all",)
    assert [line.text for line in pasted.lines] == TRUTH.splitlines()


def test_texts_of_people_and_unlike_ones_are_not_chosen(
    store: storage.Store, page: storage.Page
) -> None:
    first = storage.lines_of(store, page.id)[0].line.id
    storage.correct_line(store, first, "the quick brown fox", "confirmed", "bob", None)
    pasted = lay_on(store, page.id, TRUTH.replace("and runs away from it", "zzz qqq xxx"))
    assert [line.chosen for line in pasted.lines] == [False, True, False]
    assert pasted.lines[0].likeness == 1.0


def test_line_that_somebody_changed_meanwhile_stops_all_of_it(
    store: storage.Store, page: storage.Page
) -> None:
    texts = chosen(store, page, TRUTH)
    last = max(texts)
    storage.correct_line(store, last, "mine", "corrected", "bob", None)
    with pytest.raises(storage.RevisionConflict):
        take_texts(store, page.id, texts, "ada")
    assert [line.text for line in storage.lines_of(store, page.id)[:3]] == [*READ[:2], "mine"]


def test_lines_of_another_page_and_pages_without_lines_are_refused(
    store: storage.Store, page: storage.Page
) -> None:
    with pytest.raises(storage.StorageError, match="have changed"):
        take_texts(store, page.id, {999: ("x", None)}, "ada")
    empty = storage.add_page(store, page.document_id, "2.png", b"other", "png", 400, 300)
    with pytest.raises(storage.StorageError, match="“2.png” has no lines yet"):
        lay_on(store, empty.id, TRUTH)
    with pytest.raises(ExchangeError, match="Paste the text of this page only"):
        lay_on(store, page.id, "x" * 300_000)
