"""Two models on the same corrected lines: fair, kept, stoppable, and without changing any page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import services.model_comparison as services_comparison
import storage
from services.model_comparison import evenly
from services.services import Services
from services.word_differences import Words, word_differences
from tests.services.model_files import put_model, put_page, sleeping_services, tiny_file, wait_for


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    opened = sleeping_services(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def models(services: Services, tmp_path: Path) -> tuple[storage.Model, storage.Model]:
    first = put_model(services, tmp_path, 1, "first")
    storage.set_current_model(services.store, first.id)
    return first, put_model(services, tmp_path, 2, "second")


@pytest.fixture
def page(services: Services, models: tuple[storage.Model, storage.Model]) -> storage.Page:
    """A page with two corrected lines, one confirmed one, and one that only a machine has read."""
    page = put_page(services, models[0])
    texts = [("ab", "corrected"), ("cab", "corrected"), ("bad", "confirmed")]
    for shown, (text, status) in zip(
        storage.lines_of(services.store, page.id), texts, strict=False
    ):
        storage.correct_line(services.store, shown.line.id, text, status, "ada", None)
    return page


def done(services: Services, run: storage.Run) -> storage.Run:
    wait_for(lambda: storage.run(services.store, run.id).state not in ("waiting", "running"))
    return storage.run(services.store, run.id)


def test_both_models_read_exactly_the_lines_that_people_decided(
    services: Services, models: tuple[storage.Model, storage.Model], page: storage.Page
) -> None:
    ids = (models[0].id, models[1].id)
    before = storage.shown_models(services.store)
    run = done(services, services.comparer.compare(page.document_id, ids, 60))
    assert run.state == "done", run.message
    assert run.result is not None
    assert [one["text"] for one in run.result["lines"]] == ["ab", "cab", "bad"]
    assert run.result["characters"] == 8
    assert all(len(one["read"]) == 2 for one in run.result["lines"])
    assert storage.shown_models(services.store) == before


def test_a_models_rate_does_not_depend_on_its_place(
    services: Services, models: tuple[storage.Model, storage.Model], page: storage.Page
) -> None:
    first, second = models[0].id, models[1].id
    one = done(services, services.comparer.compare(page.document_id, (first, second), 60))
    other = done(services, services.comparer.compare(page.document_id, (second, first), 60))
    assert one.result is not None and other.result is not None
    assert one.result["cer"] == other.result["cer"][::-1]


def test_what_cannot_be_compared_is_refused_with_a_sentence(
    services: Services, models: tuple[storage.Model, storage.Model]
) -> None:
    page = put_page(services, models[0])
    ids = (models[0].id, models[1].id)
    with pytest.raises(storage.StorageError, match="Choose two different models"):
        services.comparer.compare(page.document_id, (ids[0], ids[0]), 60)
    with pytest.raises(storage.StorageError, match="“Letters” has no corrected or confirmed lines"):
        services.comparer.compare(page.document_id, ids, 60)
    with pytest.raises(storage.NotFound, match="There is no model 99"):
        services.comparer.compare(page.document_id, (ids[0], 99), 60)
    reading = storage.queue_reading(services.store, page.id)
    with pytest.raises(storage.NotFound, match="There is no comparison"):
        services.comparer.comparison(reading.id)


def test_model_that_is_damaged_meanwhile_ends_the_comparison_with_a_reason(
    services: Services, models: tuple[storage.Model, storage.Model], page: storage.Page
) -> None:
    settings = {"models": [models[0].id, models[1].id], "lines": 60}
    run = storage.add_run(services.store, "compare", None, page.document_id, settings)
    storage.model_path(services.store, models[1]).write_bytes(b"damaged")
    services.comparer.start()
    failed = done(services, run)
    assert failed.state == "failed"
    assert "is not a safetensors file" in failed.message


def test_comparison_that_a_stopped_app_left_is_made_at_the_next_start(
    services: Services, models: tuple[storage.Model, storage.Model], page: storage.Page
) -> None:
    settings = {"models": [models[0].id, models[1].id], "lines": 60}
    run = storage.add_run(services.store, "compare", None, page.document_id, settings)
    storage.take_next_run(services.store, "compare")  # and the app dies
    services.comparer.start()
    assert done(services, run).state == "done"


def test_cancelled_comparison_is_not_made(
    services: Services, models: tuple[storage.Model, storage.Model], page: storage.Page
) -> None:
    settings = {"models": [models[0].id, models[1].id], "lines": 60}
    run = storage.add_run(services.store, "compare", None, page.document_id, settings)
    services.comparer.cancel(run.id)
    services.comparer.start()
    assert done(services, run).state == "cancelled"


def test_lines_are_taken_evenly_from_the_whole_document() -> None:
    lines = list(range(10))
    assert evenly(lines, 5) == [1, 3, 5, 7, 9]  # type: ignore[arg-type, comparison-overlap]
    assert evenly(lines, 20) == lines  # type: ignore[arg-type, comparison-overlap]


def test_words_that_differ_are_marked_on_both_sides() -> None:
    assert word_differences("la teste des  troupes", "la tete des troupes alliees") == (
        [Words("la", False), Words("teste", True), Words("des troupes", False), Words("", True)],
        [
            Words("la", False),
            Words("tete", True),
            Words("des troupes", False),
            Words("alliees", True),
        ],
    )
    assert word_differences("", "") == ([], [])
    long = "a " * 500
    assert word_differences(long, long + "b")[1][0].differs


def taught_by(services: Services, base: storage.Model, page: storage.Page, file: Path):
    """A model that learned from the first line of a page."""
    line = storage.lines_of(services.store, page.id)[0].line.id
    facts = {"fine_tuning": {"train_images": [page.sha256], "test_images": [page.sha256],
                             "train_lines": [line]}}  # fmt: skip
    return storage.register_model(
        services.store, tiny_file(file, 9), "taught", base.alphabet, {}, facts, base.id
    )


def test_lines_that_taught_a_model_are_left_out_or_told(
    services: Services,
    models: tuple[storage.Model, storage.Model],
    page: storage.Page,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taught = taught_by(services, models[0], page, tmp_path / "9.safetensors")
    ids = (models[0].id, taught.id)
    told = done(services, services.comparer.compare(page.document_id, ids, 60))
    assert told.result is not None
    assert (told.result["taught"], told.result["left_out"]) == ([0, 1], 0)
    monkeypatch.setattr(services_comparison, "FEWEST_NEW_LINES", 2)
    fair = done(services, services.comparer.compare(page.document_id, ids, 60))
    assert fair.result is not None
    assert (fair.result["taught"], fair.result["left_out"]) == ([0, 0], 1)
    assert [one["text"] for one in fair.result["lines"]] == ["cab", "bad"]
