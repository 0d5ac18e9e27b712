"""Find and replace across a document: what is found, what is written, what is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import storage
from services.replacement import findings, replacer, write_findings


@pytest.fixture
def store(tmp_path: Path) -> Iterator[storage.Store]:
    with storage.open_store(tmp_path) as opened:
        yield opened


@pytest.fixture
def lines(store: storage.Store) -> tuple[int, list[int]]:
    document = storage.add_document(store, "Letters")
    ids = []
    for number in (1, 2):
        page = storage.add_page(
            store, document.id, f"{number}", f"{number}".encode(), "png", 10, 10
        )
        new = [storage.NewLine(((0.0, float(y)), (9.0, float(y))), (), 4.0) for y in (3, 6)]
        ids += storage.replace_lines(store, page.id, new, None)
    texts = ("Cher amy", "mon amy", "amys", "AMY")
    statuses = ("corrected", "confirmed", "doubtful", "ignored")
    for line_id, text, status in zip(ids, texts, statuses, strict=True):
        storage.correct_line(store, line_id, text, status, "Ada", None)
    return document.id, ids


def texts(store: storage.Store, ids: list[int]) -> list[str]:
    return [storage.line_text(store, line_id).text for line_id in ids]


def test_lines_are_found_across_pages_with_what_they_would_become(
    store: storage.Store, lines: tuple[int, list[int]]
) -> None:
    document, ids = lines
    found = findings(store, document, replacer("amy", "ami", True, False), False)
    assert [(one.page_number, one.line_number, one.after) for one in found] == [
        (1, 1, "Cher ami"), (1, 2, "mon ami"), (2, 1, "amis"),
    ]  # fmt: skip
    whole = findings(store, document, replacer("AMY", "ami", False, True), False)
    assert [one.line_id for one in whole] == ids[:2]


def test_replacement_is_one_step_and_leaves_alone_what_changed_meanwhile(
    store: storage.Store, lines: tuple[int, list[int]]
) -> None:
    document, ids = lines
    change = replacer("amy", "ami", True, False)
    seen = {one.line_id: one.parent_id for one in findings(store, document, change, False)}
    storage.correct_line(store, ids[0], "Cher amy!", "corrected", "Bob", seen[ids[0]])
    written, left = write_findings(store, document, change, seen, "Ada")
    assert (len(written), left) == (2, [ids[0]])
    assert texts(store, ids) == ["Cher amy!", "mon ami", "amis", "AMY"]
    statuses = [storage.line_text(store, line_id).status for line_id in ids]
    assert statuses == ["corrected", "corrected", "doubtful", "ignored"]
    storage.undo_text(store, document, "Ada")
    assert texts(store, ids) == ["Cher amy!", "mon amy", "amys", "AMY"]


def test_line_that_nobody_checked_becomes_doubtful_and_does_not_teach(
    store: storage.Store, lines: tuple[int, list[int]]
) -> None:
    document, ids = lines
    storage.undo_text(store, document, "Ada")  # the last line is the machine's again, and empty
    change = replacer("my", "mi", True, False)
    assert len(findings(store, document, change, True)) == 3
    everything = findings(store, document, lambda text: text + ".", True)
    assert len(everything) == 4
    seen = {one.line_id: one.parent_id for one in everything}
    write_findings(store, document, lambda text: text + ".", seen, "Ada")
    assert storage.line_text(store, ids[3]).status == "doubtful"
    assert [line.line_id for line in storage.training_lines(store)] == ids[:2]


def test_nothing_to_find_is_refused() -> None:
    with pytest.raises(storage.StorageError, match="Type what shall be found"):
        replacer("", "x", True, False)
