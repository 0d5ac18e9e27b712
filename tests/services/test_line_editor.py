"""Lines changed by people: read again at once, and no text of theirs is ever lost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import storage
from htr.recognizer import Recognizer
from segmentation.lines import SegmentationError
from segmentation.outlines import outline_lines
from services.line_editor import READ_AT_ONCE, Asked, LineEditor
from services.resegment import OVERLAPS, put_lines
from services.services import Services
from services.settings import Settings
from storage import NewLine, NewReading
from synthesis.example import encode_png
from synthesis.page import DrawnPage, draw_page
from synthesis.settings import PageSettings
from tests.htr.tiny import ALPHABET, TINY, tiny_model


class Desk:
    """One drawn page with its true lines, and somebody who edits it."""

    def __init__(self, services: Services, drawn: DrawnPage) -> None:
        self.store = services.store
        self.services = services
        self.editor = services.line_editor
        height, width = drawn.pixels.shape[:2]
        document = storage.add_document(self.store, "letters")
        image = encode_png(drawn.pixels)
        self.page = storage.add_page(self.store, document.id, "1", image, "png", width, height)
        self.found = [
            NewLine(line.baseline, (), line.spacing_px, reading=NewReading(f"machine {k}", 0.5))
            for k, line in enumerate(drawn.lines)
        ]
        self.model_id = storage.models(self.store)[0].id
        put_lines(self.store, self.page, self.found, self.model_id, "")
        self.ids = self.shown()

    def asked(self) -> Asked:
        return Asked("ada", storage.layout_steps(self.store, self.page.id).newest_id)

    def shown(self) -> list[int]:
        return [shown.line.id for shown in storage.lines_of(self.store, self.page.id)]

    def texts(self) -> list[str]:
        return [shown.text for shown in storage.lines_of(self.store, self.page.id)]

    def line(self, index: int) -> storage.LineText:
        return storage.line_text(self.store, self.ids[index])

    def write(self, index: int, text: str, status: str = "corrected") -> storage.Revision:
        parent_id = self.line(index).parent_id
        return storage.correct_line(self.store, self.ids[index], text, status, "ada", parent_id)

    def undo(self) -> None:
        storage.undo_layout(self.store, self.page.id, "ada", self.asked().known_id)


@pytest.fixture(scope="module")
def drawn() -> DrawnPage:
    settings = PageSettings(width_px=700, height_px=420, line_count=4, letter=False)
    return draw_page(3, settings=settings)


@pytest.fixture
def desk(tmp_path: Path, drawn: DrawnPage) -> Iterator[Desk]:
    store = storage.open_store(tmp_path / "data")
    model = storage.register_model(store, b"weights", "tiny", ["a", "b"])
    storage.set_current_model(store, model.id)
    services = Services(Settings(tmp_path / "data"), store)  # its reader never starts
    services.reader._recognizer = Recognizer(tiny_model(), TINY, ALPHABET)
    services.reader._recognizer_of = model.id
    yield Desk(services, drawn)
    services.close()


def lower(baseline: tuple, by_px: float = 2.0) -> list[tuple[float, float]]:
    return [(x, y + by_px) for x, y in baseline]


def test_moved_line_gets_an_outline_and_is_read_again(desk: Desk) -> None:
    before = desk.line(1).line
    change = desk.editor.move(desk.page.id, {desk.ids[1]: lower(before.baseline)}, desk.asked())
    assert change is not None and change.what == "move"
    after = desk.line(1).line
    assert after.baseline == tuple((round(x, 1), round(y, 1)) for x, y in lower(before.baseline))
    ys = [y for _, y in after.polygon]
    assert min(ys) < after.baseline[0][1] < max(ys)
    assert after.unread
    assert desk.editor.read_changed(desk.page.id) == [desk.ids[1]]
    reread = desk.line(1)
    assert not reread.line.unread
    assert reread.reading is not None and reread.reading.text != "machine 1"
    assert desk.editor.read_changed(desk.page.id) == []


def test_line_set_aside_is_not_read_until_it_is_taken_in(desk: Desk) -> None:
    desk.editor.set_aside(desk.page.id, desk.ids[:2], desk.asked())
    assert [desk.line(k).line.kind for k in range(3)] == ["aside", "aside", "text"]
    assert desk.editor.read_changed(desk.page.id) == []
    change = desk.editor.take_in(desk.page.id, desk.ids[:1], desk.asked())
    assert change is not None and change.what == "take"
    assert [desk.line(k).line.kind for k in range(3)] == ["text", "aside", "text"]
    assert desk.editor.read_changed(desk.page.id) == desk.ids[:1]
    assert desk.editor.take_in(desk.page.id, desk.ids[2:3], desk.asked()) is None


def test_line_set_aside_is_taken_in_by_shaping_it(desk: Desk) -> None:
    desk.editor.set_aside(desk.page.id, desk.ids[:1], desk.asked())
    desk.editor.move(desk.page.id, {desk.ids[0]: lower(desk.line(0).line.baseline)}, desk.asked())
    assert desk.line(0).line.kind == "text"


def test_outline_from_a_part_of_the_page_is_that_of_the_whole(desk: Desk, drawn) -> None:
    baseline = lower(desk.line(1).line.baseline, 1.0)
    desk.editor.move(desk.page.id, {desk.ids[1]: baseline}, desk.asked())
    lines = [desk.line(k).line for k in range(4)]
    whole = outline_lines(
        drawn.pixels, [line.baseline for line in lines], [line.spacing_px for line in lines]
    )[1]
    part = lines[1].polygon
    for k in (0, 1):
        assert min(p[k] for p in part) == pytest.approx(min(p[k] for p in whole), abs=4)
        assert max(p[k] for p in part) == pytest.approx(max(p[k] for p in whole), abs=4)


def test_corrected_line_keeps_its_text_when_it_is_moved_and_read_again(desk: Desk) -> None:
    revision = desk.write(1, "by hand")
    desk.editor.move(desk.page.id, {desk.ids[1]: lower(desk.line(1).line.baseline)}, desk.asked())
    desk.editor.read_changed(desk.page.id)
    shown = desk.line(1)
    assert (shown.text, shown.revision) == ("by hand", revision)
    assert shown.reading is not None and shown.reading.text != "machine 1"
    assert shown.line.reshaped is not None and shown.line.reshaped > revision.created


def test_reading_of_a_line_that_changed_meanwhile_is_not_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    baseline = desk.line(1).line.baseline
    desk.editor.move(desk.page.id, {desk.ids[1]: lower(baseline)}, desk.asked())
    read_lines = desk.services.reader.read_lines

    def read_while_somebody_moves(pixels, lines):
        read = read_lines(pixels, lines)
        desk.editor.move(desk.page.id, {desk.ids[1]: lower(baseline, 4)}, desk.asked())
        return read

    monkeypatch.setattr(desk.services.reader, "read_lines", read_while_somebody_moves)
    assert desk.editor.read_changed(desk.page.id) == []
    assert desk.line(1).line.unread
    assert desk.line(1).text == "machine 1"


def test_many_changed_lines_are_read_a_few_at_a_time(desk: Desk) -> None:
    x, y = desk.line(0).line.baseline[0]
    for k in range(READ_AT_ONCE):
        desk.editor.draw(desk.page.id, [(x, y + k), (x + 30, y + k)], desk.asked())
    desk.editor.reverse(desk.page.id, desk.ids, desk.asked())
    assert len(desk.editor.read_changed(desk.page.id)) == READ_AT_ONCE
    assert len(desk.editor.read_changed(desk.page.id)) == 4
    assert desk.editor.read_changed(desk.page.id) == []


def test_split_keeps_the_text_on_the_part_that_keeps_the_number(desk: Desk) -> None:
    desk.write(1, "left right")
    line = desk.line(1).line
    x = (line.baseline[0][0] + line.baseline[-1][0]) / 2
    desk.editor.split(desk.page.id, desk.ids[1], (x, line.baseline[0][1]), desk.asked())
    shown = desk.shown()
    assert shown[:2] == desk.ids[:2] and shown[3:] == desk.ids[2:]
    assert desk.line(1).text == "left right"
    second = storage.line_text(desk.store, shown[2])
    assert desk.line(1).line.baseline[-1] == second.line.baseline[0]
    assert second.line.spacing_px == line.spacing_px
    assert len(second.line.polygon) > 2 and len(desk.line(1).line.polygon) > 2
    assert max(px for px, _ in desk.line(1).line.polygon) < line.baseline[-1][0]
    assert (second.revision, second.reading) == (None, None)
    assert set(desk.editor.read_changed(desk.page.id)) == {desk.ids[1], shown[2]}
    assert desk.line(1).text == "left right"
    desk.undo()
    assert desk.shown() == desk.ids
    assert desk.line(1).line.baseline == line.baseline


def test_cut_at_an_end_is_refused(desk: Desk) -> None:
    line = desk.line(1).line
    with pytest.raises(storage.StorageError, match="cannot be cut there"):
        desk.editor.split(desk.page.id, line.id, line.baseline[0], desk.asked())


def halves(desk: Desk) -> tuple[int, int]:
    """Split line 1 and return the numbers of its parts."""
    line = desk.line(1).line
    x = (line.baseline[0][0] + line.baseline[-1][0]) / 2
    desk.editor.split(desk.page.id, line.id, (x, line.baseline[0][1]), desk.asked())
    return line.id, desk.shown()[2]


def test_merge_of_decided_lines_joins_their_texts(desk: Desk) -> None:
    first, second = halves(desk)
    desk.write(1, "left")
    storage.correct_line(desk.store, second, "right ", "confirmed", "ben", None)
    desk.editor.merge(desk.page.id, [second, first], desk.asked())
    assert desk.shown() == desk.ids
    merged = desk.line(1)
    assert (merged.text, merged.status, merged.revision.author) == (  # type: ignore[union-attr]
        "left right", "corrected", "ada",
    )  # fmt: skip
    desk.undo()
    assert [desk.line(1).text, storage.line_text(desk.store, second).text] == ["left", "right "]


def test_merge_with_a_line_nobody_decided_keeps_every_human_word(desk: Desk) -> None:
    first, second = halves(desk)
    desk.editor.read_changed(desk.page.id)
    storage.correct_line(desk.store, second, "by hand", "corrected", "ben", None)
    machine = desk.line(1).text.strip()
    desk.editor.merge(desk.page.id, [first, second], desk.asked())
    assert (desk.line(1).text, desk.line(1).status) == (f"{machine} by hand".strip(), "doubtful")


def test_merge_of_machine_lines_writes_no_revision(desk: Desk) -> None:
    first, second = halves(desk)
    desk.editor.merge(desk.page.id, [first, second], desk.asked())
    assert desk.line(1).revision is None
    assert desk.editor.read_changed(desk.page.id) == [first]


def test_merge_needs_two_lines(desk: Desk) -> None:
    with pytest.raises(storage.StorageError, match="at least two lines"):
        desk.editor.merge(desk.page.id, [desk.ids[0], desk.ids[0]], desk.asked())


def test_drawn_line_takes_spacing_and_place_from_its_neighbours(desk: Desk) -> None:
    desk.editor.delete(desk.page.id, [desk.ids[2]], desk.asked())
    gone = desk.line(2).line
    desk.editor.draw(desk.page.id, gone.baseline, desk.asked())
    shown = desk.shown()
    assert [shown[0], shown[1], shown[3]] == [desk.ids[0], desk.ids[1], desk.ids[3]]
    drawn_line = storage.line_text(desk.store, shown[2]).line
    assert drawn_line.spacing_px == pytest.approx(gone.spacing_px, rel=0.25)
    assert desk.editor.read_changed(desk.page.id) == [shown[2]]


def test_line_drawn_over_the_edge_ends_at_it(desk: Desk) -> None:
    desk.editor.draw(desk.page.id, [(-40, 100), (900, 120)], desk.asked())
    new = (set(desk.shown()) - set(desk.ids)).pop()
    assert storage.line_text(desk.store, new).line.baseline == ((0, 100), (699, 120))


def test_reverse_turns_the_line_and_back(desk: Desk) -> None:
    before = desk.line(0).line
    desk.editor.reverse(desk.page.id, [desk.ids[0]], desk.asked())
    assert desk.line(0).line.baseline == before.baseline[::-1]
    assert desk.line(0).line.unread
    desk.undo()
    assert desk.line(0).line.baseline == before.baseline


def test_order_by_hand_and_automatic_order(desk: Desk) -> None:
    mixed = [desk.ids[k] for k in (3, 0, 2, 1)]
    desk.editor.reorder(desk.page.id, mixed, desk.asked())
    assert desk.shown() == mixed
    desk.editor.order(desk.page.id, desk.asked())
    assert desk.shown() == desk.ids
    assert desk.editor.order(desk.page.id, desk.asked()) is None
    assert desk.editor.read_changed(desk.page.id) == []
    with pytest.raises(storage.StorageError, match="names 2 lines and the page has 4"):
        desk.editor.reorder(desk.page.id, desk.ids[:2], desk.asked())


def test_one_who_does_not_know_the_newest_change_is_refused(desk: Desk) -> None:
    stale = desk.asked()
    desk.editor.delete(desk.page.id, [desk.ids[0]], stale)
    for act in (
        lambda: desk.editor.delete(desk.page.id, [desk.ids[1]], stale),
        lambda: desk.editor.split(desk.page.id, desk.ids[0], (1, 1), stale),
        lambda: desk.editor.order(desk.page.id, stale),
    ):
        with pytest.raises(storage.LayoutConflict):
            act()
    assert desk.shown() == desk.ids[1:]


def test_retry_after_a_lost_answer_splits_once(desk: Desk) -> None:
    line = desk.line(1).line
    x = (line.baseline[0][0] + line.baseline[-1][0]) / 2
    asked = Asked("ada", 0, "token")
    first = desk.editor.split(desk.page.id, line.id, (x, 0), asked)
    assert desk.editor.split(desk.page.id, line.id, (x, 0), asked) == first
    assert len(desk.shown()) == 5


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ([(1, 1)], "baseline of 1 points"),
        ([(1, 1), (2, math.nan)], "a point that is no place"),
        ([(1, 1), (math.inf, 2)], "a point that is no place"),
        ([(1, 1), (1e9, 2)], "far off the page of 700 x 420 px"),
        ([(1, 1), (2, 1)], "is 1.0 px long"),
        ([(-9, 4), (-9, 4)], "is 0.0 px long"),
        ([(1, 1), (9, 1)] * 500_000, "baseline of 1,000,000 points"),
    ],
)
def test_impossible_baselines_are_refused(desk: Desk, points: list, reason: str) -> None:
    for act in (
        lambda: desk.editor.draw(desk.page.id, points, desk.asked()),
        lambda: desk.editor.move(desk.page.id, {desk.ids[0]: points}, desk.asked()),
    ):
        with pytest.raises(storage.StorageError, match=reason):
            act()
    assert storage.layout_history(desk.store, desk.page.id) == []


def test_line_of_another_page_is_refused(desk: Desk) -> None:
    for act in (
        lambda: desk.editor.delete(desk.page.id, [999], desk.asked()),
        lambda: desk.editor.merge(desk.page.id, [desk.ids[0], 999], desk.asked()),
        lambda: desk.editor.move(desk.page.id, {999: [(1, 1), (50, 1)]}, desk.asked()),
    ):
        with pytest.raises(storage.NotFound, match="no line 999 on page"):
            act()


def test_new_segmentation_keeps_corrected_and_reshaped_lines(desk: Desk) -> None:
    revision = desk.write(1, "by hand")
    moved = lower(desk.line(2).line.baseline, 1.0)
    desk.editor.move(desk.page.id, {desk.ids[2]: moved}, desk.asked())
    put_lines(desk.store, desk.page, desk.found, desk.model_id, "ada")
    shown = desk.shown()
    assert len(shown) == 4
    assert shown[1:3] == desk.ids[1:3]
    assert not {shown[0], shown[3]} & set(desk.ids)
    assert desk.line(1).revision == revision
    assert desk.texts()[0] == "machine 0" and desk.texts()[3] == "machine 3"
    desk.undo()
    assert desk.shown() == desk.ids
    redone = storage.redo_layout(desk.store, desk.page.id, "ada", desk.asked().known_id)
    assert redone.what == "segment"
    assert desk.shown() == shown


def test_detection_that_covers_a_corrected_line_and_more_is_flagged(desk: Desk) -> None:
    halves(desk)
    desk.write(1, "by hand")
    second = desk.shown()[2]
    desk.editor.delete(desk.page.id, [second], desk.asked())
    put_lines(desk.store, desk.page, desk.found, desk.model_id, "ada")
    flags = [shown.line.flags for shown in storage.lines_of(desk.store, desk.page.id)]
    assert flags.count((OVERLAPS,)) <= 1
    assert desk.ids[1] in desk.shown()


def test_first_segmentation_is_no_change_to_undo(desk: Desk) -> None:
    assert storage.layout_history(desk.store, desk.page.id) == []
    put_lines(desk.store, desk.page, [], desk.model_id, "ada")
    assert desk.shown() == []
    desk.undo()
    assert desk.shown() == desk.ids


def test_pages_are_queued_to_be_segmented_by_a_known_method_only(desk: Desk) -> None:
    with pytest.raises(SegmentationError, match='no segmentation method "magic"'):
        desk.services.segment_again([desk.page.id], "magic", "ada")
    desk.services.segment_again([desk.page.id], "auto", "ada")
    desk.services.segment_again([desk.page.id], "opencv", "ben")
    (run,) = storage.runs(desk.store, "read")
    assert run.settings == {"segmentation": "opencv", "author": "ben"}
    with pytest.raises(storage.NotFound):
        desk.services.segment_again([999], "auto", "ada")


def test_pixels_are_not_decoded_where_only_the_order_changes(
    desk: Desk,
) -> None:
    def no_pixels(page: storage.Page) -> np.ndarray:
        raise AssertionError("decoded")

    editor = LineEditor(desk.store, desk.services.reader, no_pixels)
    editor.reorder(desk.page.id, desk.ids[::-1], desk.asked())
    editor.delete(desk.page.id, desk.ids[:1], desk.asked())
