from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

import storage
from htr.pipeline import read_lines
from segmentation.images import decode_page
from segmentation.lines import Line
from tests.htr_lines import FakeRecognizer
from tests.training.desk_data import add_page, correct_page, make_desk
from training import snapshot as snapshot_module
from training.errors import TrainingError
from training.snapshot import line_key, read_snapshot, take_snapshot


@pytest.fixture
def store(tmp_path: Path) -> Iterator[storage.Store]:
    with make_desk(tmp_path / "data", pages=2, lines=6) as opened:
        yield opened


def take(store: storage.Store, name: str = "snapshot", **choices):
    return take_snapshot(store, store.data_dir / name, reference_count=2, replay_count=2, **choices)


def own_lines(snapshot):
    return {line.key: line for line in (*snapshot.train, *snapshot.test)}


def test_snapshot_holds_exactly_the_corrected_lines_and_their_split(store: storage.Store) -> None:
    snapshot = take(store, seed=5, settings={"minutes": 5})
    expected = {line_key(line.line_id): line.text for line in storage.training_lines(store)}
    assert {key: line.text for key, line in own_lines(snapshot).items()} == expected
    assert not {line.page for line in snapshot.train} & {line.page for line in snapshot.test}
    assert (len(snapshot.train), len(snapshot.test)) == (6, 6)
    current = storage.current_model(store)
    assert current is not None and snapshot.base_model_sha256 == current.sha256
    assert snapshot.facts.settings == {"minutes": 5}
    assert read_snapshot(store.data_dir / "snapshot").sha256 == snapshot.sha256


def read_by_machine(store: storage.Store, page: storage.Page, count: int) -> list[int]:
    """Let the model in use have read the first lines of a page; returns their numbers."""
    model = storage.current_model(store)
    assert model is not None
    line_ids = storage.line_order(store, page.id)[:count]
    storage.add_readings(
        store, model.id, {line_id: storage.NewReading("cab", 0.5) for line_id in line_ids}
    )
    return line_ids


def test_undecided_lines_that_were_read_are_frozen_where_they_are_wanted(
    store: storage.Store,
) -> None:
    document = storage.documents(store)[0].document
    page = add_page(store, document.id, ["ab"] * 26, seed=7)
    line_ids = read_by_machine(store, page, 25)
    other = add_page(store, storage.add_document(store, "Others").id, ["ab"] * 9, seed=8)
    read_by_machine(store, other, 9)
    snapshot = take(store, self_training=True)
    assert [line.key for line in snapshot.undecided] == [line_key(one) for one in line_ids]
    assert {line.text for line in snapshot.undecided} == {"cab"}
    assert read_snapshot(store.data_dir / "snapshot").undecided[0].key == line_key(line_ids[0])
    assert take(store, "2").undecided == ()


def test_undecided_lines_of_pages_that_test_are_left_alone(store: storage.Store) -> None:
    document = storage.documents(store)[0].document
    page = add_page(store, document.id, ["ab"] * 30, seed=7)
    line_ids = read_by_machine(store, page, 30)
    storage.correct_line(store, line_ids[0], "ab", "corrected", "Ada", None)
    storage.pin_page(store, page.id, True)
    snapshot = take(store, self_training=True)
    assert line_key(line_ids[0]) in {line.key for line in snapshot.test}
    assert snapshot.undecided == ()


def test_undecided_lines_come_from_a_few_pages_those_with_corrected_lines_first(
    store: storage.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_module, "UNDECIDED_PAGES", 2)
    monkeypatch.setattr(snapshot_module, "UNDECIDED_LINES", 8)
    document = storage.documents(store)[0].document
    pages = [add_page(store, document.id, ["ab"] * 6, seed=seed) for seed in (7, 8, 9)]
    for page in pages:
        read_by_machine(store, page, 6)
    decided = storage.line_order(store, pages[2].id)[0]
    storage.correct_line(store, decided, "ab", "corrected", "Ada", None)
    found = snapshot_module._undecided(store, storage.training_lines(store), ())
    assert [line.page_id for line in found] == [pages[2].id] * 4 + [pages[0].id] * 4


def test_the_same_corrections_and_seed_give_the_same_snapshot(store: storage.Store) -> None:
    first = take(store, "1", seed=5).sha256
    assert take(store, "2", seed=5).sha256 == first
    assert take(store, "3", seed=6).sha256 != first


def test_corrections_after_the_snapshot_do_not_change_it(store: storage.Store) -> None:
    snapshot = take(store)
    line = storage.training_lines(store)[0]
    storage.correct_line(store, line.line_id, "else", "corrected", "Ada", line.revision_id)
    assert read_snapshot(store.data_dir / "snapshot").sha256 == snapshot.sha256


def test_crops_are_those_that_the_recogniser_reads(store: storage.Store) -> None:
    document = storage.documents(store)[0].document
    rng = np.random.default_rng(3)
    colours = rng.integers(0, 256, (120, 300, 3), np.uint8)  # gray depends on how they are mixed
    data = cv2.imencode(".png", colours)[1].tobytes()
    page = storage.add_page(store, document.id, "colour", data, "png", 300, 120)
    new = storage.NewLine(((10.0, 60.0), (200.0, 64.0)), (), 40.0)
    (line_id,) = storage.replace_lines(store, page.id, [new], None)
    storage.correct_line(store, line_id, "abc", "corrected", "Ada", None)

    reader = FakeRecognizer()
    line = Line(new.baseline, new.polygon, new.spacing_px)
    read_lines(decode_page(storage.page_image(store, page)), [line], reader)
    seen = cv2.cvtColor(reader.seen[0], cv2.COLOR_RGB2GRAY)
    assert np.array_equal(own_lines(take(store))[line_key(line_id)].image, seen)


def test_texts_are_nfc_with_single_spaces(store: storage.Store) -> None:
    line = storage.training_lines(store)[0]
    text = " e\u0301te\u0301  ab "
    storage.correct_line(store, line.line_id, text, "corrected", "Ada", line.revision_id)
    kept = own_lines(take(store))[line_key(line.line_id)]
    assert kept.text == unicodedata.normalize("NFC", "e\u0301te\u0301 ab")


def test_a_page_deleted_under_a_running_snapshot_costs_its_lines_only(
    store: storage.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = storage.training_lines(store)
    gone = lines[-1].page_id
    storage.pin_page(store, gone, True)
    seen = storage.training_lines(store)
    storage.remove_page(store, gone)
    # what the snapshot saw just before the page was deleted
    monkeypatch.setattr(storage, "training_lines", lambda *_: seen)
    snapshot = take(store)
    assert f"page-{gone}" not in {line.page for line in own_lines(snapshot).values()}
    assert (len(snapshot.train), len(snapshot.test)) == (6, 0)
    assert snapshot.facts.skipped == (f"Page {gone} (page 1.png) was removed: 6 lines left out.",)


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_an_unreadable_image_costs_its_lines_only(store: storage.Store, damage: str) -> None:
    lost = storage.page(store, storage.training_lines(store)[0].page_id)
    storage.pin_page(store, lost.id, True)
    path = storage.page_image_path(store, lost)
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"no image")
    snapshot = take(store)
    assert (len(snapshot.train), len(snapshot.test)) == (6, 0)
    assert snapshot.facts.skipped[0].startswith(f"Page {lost.id}: 6 lines left out. ")


def test_a_line_off_its_page_costs_itself_only(store: storage.Store) -> None:
    page = storage.page(store, storage.training_lines(store)[0].page_id)
    far = storage.NewLine(((9000.0, 60.0), (9200.0, 60.0)), (), 40.0)
    (line_id,) = storage.replace_lines(store, page.id, [far], None)
    storage.correct_line(store, line_id, "abc", "corrected", "Ada", None)
    snapshot = take(store)
    assert len(own_lines(snapshot)) == 12
    assert snapshot.facts.skipped[0].startswith(
        f"Line 1 of page {page.id} ({page.name}) left out: no-crop"
    )


def test_lines_that_the_user_leaves_out_are_not_in_it(store: storage.Store) -> None:
    unwanted = storage.training_lines(store)[3].line_id
    assert line_key(unwanted) not in own_lines(take(store, left_out={unwanted}))


def add_other_pages(store: storage.Store, held_out: bool | None) -> None:
    other = storage.add_document(store, "Other letters")
    for seed in range(20, 30):
        page = add_page(store, other.id, ["ab cd"], seed=seed)
        correct_page(store, page, ["ab cd"])
        storage.pin_page(store, page.id, held_out)


def pages_by_role(store: storage.Store, chosen: int) -> tuple[set[str], set[str]]:
    snapshot = take_snapshot(
        store, store.data_dir / "s", document_ids=[chosen], reference_count=10, replay_count=10
    )
    assert set(snapshot.facts.document_ids) == {chosen}
    reference, replay = (
        {line.page for line in lines if line.group == "other documents"}
        for lines in (snapshot.reference, snapshot.replay)
    )
    replayed = {storage.page(store, int(page.removeprefix("page-"))).sha256 for page in replay}
    assert replayed <= set(snapshot.facts.train_images)  # it taught: it must not test later
    return reference, replay


def test_pages_of_other_documents_test_for_forgetting_or_are_replayed_never_both(
    store: storage.Store,
) -> None:
    chosen = storage.training_lines(store)[0].document_id
    add_other_pages(store, None)
    reference, replay = pages_by_role(store, chosen)
    assert len(reference) + len(replay) == 10
    assert reference and replay and not reference & replay


def test_a_page_of_another_document_held_out_by_the_user_is_never_replayed(
    store: storage.Store,
) -> None:
    chosen = storage.training_lines(store)[0].document_id
    add_other_pages(store, True)
    reference, replay = pages_by_role(store, chosen)
    assert (len(reference), replay) == (10, set())


def test_a_snapshot_of_nothing_is_refused(tmp_path: Path) -> None:
    with make_desk(tmp_path / "data", pages=0) as store:
        with pytest.raises(TrainingError, match="No line is corrected yet"):
            take(store)


def test_a_single_line_can_teach(tmp_path: Path) -> None:
    with make_desk(tmp_path / "data", pages=1, lines=1) as store:
        snapshot = take(store)
    assert (len(snapshot.train), len(snapshot.test), snapshot.facts.split_kind) == (1, 0, "none")
