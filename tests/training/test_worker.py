"""A training from the start to its end, and whatever may happen in between."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import storage
from tests.training.desk_data import (
    SMALL,
    add_model,
    add_page,
    correct_page,
    make_desk,
    that_reads,
)
from tests.training.line_sets import tiny_trainable
from training.finetune_config import FinetuneConfig, FinetuneResult, Point, Progress, Report
from training.lines import TrainLine
from training.run_folder import RunFolder, run_folder
from training.trainable import Trainable
from training.worker import DONE, FAILED, NOT_OURS, UNTOLD, command_line, work
from training.worker_run import train

Step = Callable[[int], None]


class FakeFinetune:
    """Learns nothing in three steps and returns a model that reads every line as one character."""

    def __init__(self, character: str = "a", at_step: Step = lambda step: None) -> None:
        self.character = character
        self.at_step = at_step
        self.taught: list[str] = []
        self.undecided: list[str] = []
        self.replayed: list[str] = []
        self.others: list[str] = []
        self.config: FinetuneConfig | None = None

    def __call__(
        self,
        base: Trainable,
        train: Sequence[TrainLine],
        held_out: Sequence[TrainLine],
        config: FinetuneConfig,
        *,
        undecided: Sequence[TrainLine] = (),
        replay: Sequence[TrainLine] = (),
        others: Sequence[TrainLine] = (),
        run_dir: Path | None = None,
        report: Report,
    ) -> FinetuneResult:
        self.taught = [line.text for line in train]
        self.undecided = [line.key for line in undecided]
        self.replayed = [line.group for line in replay]
        self.others = [line.group for line in others]
        self.config = config
        stopped = "done"
        samples = tuple((line.key, line.text, "x") for line in held_out[:1])
        for step in range(1, 4):
            self.at_step(step)
            cer = 0.5 if step > 1 else None
            shown = samples if step > 1 else ()
            if not report(Progress("training", step, 3, 1.0 * step, 3.0, 2.0, cer, shown)):
                stopped = "cancelled"
                break
        made = that_reads(self.character, base)
        curve = (Point(2, 2.0, 2.0, 0.5, None),)
        return FinetuneResult(made, curve, 1.0, step, 3.0, stopped, {}, {})


class Desk:
    """A data folder, and what the tests ask of it."""

    def __init__(self, store: storage.Store) -> None:
        self.store = store

    def start(self, **settings: Any) -> int:
        return storage.add_run(self.store, "train", settings=settings).id

    def work(self, run_id: int, finetune: Callable[..., FinetuneResult] | None = None) -> int:
        fake = finetune or FakeFinetune()
        return work(
            self.store,
            run_id,
            "cpu",
            lambda run, link, device: train(run, link, device, fake, reference_lines=4),
        )

    def run(self, run_id: int) -> storage.Run:
        return storage.run(self.store, run_id)

    def current(self) -> str:
        model = storage.current_model(self.store)
        assert model is not None
        return model.name

    def folder(self, run_id: int) -> RunFolder:
        return run_folder(self.store.data_dir, run_id)

    def events(self, run_id: int) -> list[dict[str, Any]]:
        return [one.event for one in storage.run_events(self.store, run_id)]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    stores: list[storage.Store] = []

    def desk(character: str = "", **counts: int) -> Desk:
        stores.append(make_desk(tmp_path / "data", model=that_reads(character), **counts))
        return Desk(stores[-1])

    yield desk
    for store in stores:
        store.close()


def test_corrected_lines_are_helped_by_those_that_nobody_decided_where_that_is_wanted(
    make: Callable[..., Desk],
) -> None:
    desk = make()
    document = storage.documents(desk.store)[0].document
    page = add_page(desk.store, document.id, ["ab"] * 24, seed=9)
    model = storage.current_model(desk.store)
    assert model is not None
    line_ids = storage.line_order(desk.store, page.id)
    readings = {line_id: storage.NewReading("cab", 0.5) for line_id in line_ids}
    storage.add_readings(desk.store, model.id, readings)
    finetune = FakeFinetune("a")
    assert desk.work(desk.start(self_training=True), finetune) == DONE
    assert finetune.undecided == [f"line-{line_id}" for line_id in line_ids]
    assert finetune.config is not None and finetune.config.self_training
    unwanted = FakeFinetune("a")
    assert desk.work(desk.start(), unwanted) == DONE
    assert unwanted.undecided == []
    assert unwanted.config is not None and not unwanted.config.self_training


def test_better_model_is_promoted_and_the_run_says_by_how_much(make: Callable[..., Desk]) -> None:
    desk = make()
    run_id = desk.start(seed=5, minutes=2)
    finetune = FakeFinetune("a")
    assert desk.work(run_id, finetune) == DONE
    run = desk.run(run_id)
    assert (run.state, run.progress, run.message) == ("done", 1.0, "")
    assert desk.current() == "small, v2"
    result = run.result
    assert result is not None
    assert (result["verdict"], result["promoted"]) == ("better", True)
    assert (result["model_id"], result["base_model_id"]) == (2, 1)
    assert (result["lines"], result["pages"], result["unit"]) == (6, 1, "lines")
    assert result["cer_before"] == 1.0
    assert result["cer_after"] < 1.0
    assert result["difference"] == result["cer_after"] - 1.0
    assert result["p"] < 0.05
    assert result["interval"][1] < 0
    assert (result["steps"], result["interpolation"], result["stopped"]) == (3, 1.0, "done")
    assert result["forgetting"]["lines"] > 0
    assert "It is in use from now on." in result["sentence"]
    assert (finetune.config.seed, finetune.config.time_limit_s) == (5, 120.0)
    assert len(finetune.taught) == 6


def test_worse_model_is_not_promoted(make: Callable[..., Desk]) -> None:
    desk = make("a")
    run_id = desk.start()
    assert desk.work(run_id, FakeFinetune("")) == DONE
    run = desk.run(run_id)
    assert run.state == "done" and run.result is not None
    assert (run.result["verdict"], run.result["promoted"]) == ("worse", False)
    assert run.result["model_id"] is None
    assert desk.current() == "small"
    assert len(storage.models(desk.store)) == 1
    assert desk.folder(run_id).report.is_file()
    assert desk.folder(run_id).model.is_file()  # refused, and not registered: kept with the run


def test_model_that_reads_alike_is_registered_and_left_to_the_person(
    make: Callable[..., Desk],
) -> None:
    desk = make("b")
    run_id = desk.start()
    assert desk.work(run_id, FakeFinetune("b")) == DONE
    result = desk.run(run_id).result
    assert result is not None
    assert (result["verdict"], result["promoted"], result["model_id"]) == ("not proven", False, 2)
    assert desk.current() == "small"
    assert [model.name for model in storage.models(desk.store)] == ["small", "small, v2"]
    assert not desk.folder(run_id).model.exists()  # it lies among the models


def test_report_and_snapshot_stay_with_the_run(make: Callable[..., Desk]) -> None:
    desk = make()
    run_id = desk.start()
    desk.work(run_id)
    report = json.loads(desk.folder(run_id).report.read_text("utf-8"))
    assert report["comparison"]["lines"] == 6
    assert report["base"]["name"] == "small" and report["candidate"]["name"] == "small, v2"
    assert report["snapshot"]["sha256"] == desk.run(run_id).snapshot
    assert (desk.folder(run_id).snapshot / "labels.jsonl").is_file()
    assert not desk.folder(run_id).has_checkpoint


def test_progress_is_told_phase_by_phase(make: Callable[..., Desk]) -> None:
    desk = make()
    run_id = desk.start()
    desk.work(run_id)
    events = desk.events(run_id)
    phases = list(dict.fromkeys(event["phase"] for event in events))
    assert phases == ["snapshot", "baseline", "training", "gate", "report", "promotion"]
    learning = [event for event in events if event["phase"] == "training"]
    assert [event["cer"] for event in learning] == [None, 0.5]  # told once, when it was measured
    assert learning[-1]["samples"][0][2] == "x"
    assert (learning[-1]["step"], learning[-1]["steps"], learning[-1]["loss"]) == (2, 3, 2.0)
    assert learning[-1]["cer_before"] == 1.0


def test_only_what_people_corrected_is_replayed(make: Callable[..., Desk]) -> None:
    desk = make()
    for number in range(8):  # of so many pages, some replay and some test what is forgotten
        other = storage.add_document(desk.store, f"Other {number}")
        texts = [f"{'abcd'[number % 4]}b cd"]
        correct_page(desk.store, add_page(desk.store, other.id, texts, seed=20 + number), texts)
    run_id = desk.start(document_ids=[1])
    finetune = FakeFinetune()
    assert desk.work(run_id, finetune) == DONE
    assert set(finetune.replayed) == {"other documents"}
    report = json.loads(desk.folder(run_id).report.read_text("utf-8"))
    assert report["snapshot"]["replay_lines"] == len(finetune.replayed)
    assert set(finetune.others) == {"other documents", "drawn"}
    assert len(finetune.taught) == 6


def test_single_line_teaches_and_proves_nothing(make: Callable[..., Desk]) -> None:
    desk = make(pages=1, lines=1)
    run_id = desk.start()
    assert desk.work(run_id) == DONE
    result = desk.run(run_id).result
    assert result is not None
    assert (result["verdict"], result["lines"], result["cer_before"]) == ("not proven", 0, None)
    assert desk.current() == "small"


def test_empty_set_fails_with_what_to_do(make: Callable[..., Desk]) -> None:
    desk = make(pages=0)
    run_id = desk.start()
    assert desk.work(run_id) == FAILED
    run = desk.run(run_id)
    assert run.state == "failed"
    assert "There is no line to learn from" in run.message


def test_corrupt_base_model_fails_and_nothing_is_put_to_use(make: Callable[..., Desk]) -> None:
    desk = make()
    model = storage.current_model(desk.store)
    assert model is not None
    path = storage.model_path(desk.store, model)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    run_id = desk.start()
    assert desk.work(run_id) == FAILED
    assert "is damaged: its content does not match its name" in desk.run(run_id).message
    assert [one.name for one in storage.models(desk.store)] == ["small"]


def test_base_that_is_no_model_fails_with_a_reason(make: Callable[..., Desk]) -> None:
    desk = make()
    broken = storage.register_model(desk.store, b"no model at all", "broken", ["a", "b"])
    run_id = desk.start(base_model_id=broken.id)
    assert desk.work(run_id) == FAILED
    assert desk.run(run_id).message != ""
    assert desk.current() == "small"


def test_page_deleted_under_a_running_snapshot_changes_nothing(make: Callable[..., Desk]) -> None:
    desk = make()

    def delete_all(step: int) -> None:
        for summary in storage.documents(desk.store):
            for one in storage.pages_of(desk.store, summary.document.id):
                storage.page_image_path(desk.store, one.page).unlink()
                storage.remove_page(desk.store, one.page.id)
            storage.remove_document(desk.store, summary.document.id)

    run_id = desk.start()
    assert desk.work(run_id, FakeFinetune("a", delete_all)) == DONE
    assert desk.current() == "small, v2"


def test_page_that_is_gone_before_the_snapshot_costs_only_its_lines(
    make: Callable[..., Desk],
) -> None:
    desk = make(pages=3)
    document = storage.documents(desk.store)[0].document
    page = storage.pages_of(desk.store, document.id)[0].page
    storage.page_image_path(desk.store, page).unlink()
    run_id = desk.start()
    assert desk.work(run_id) == DONE
    report = json.loads(desk.folder(run_id).report.read_text("utf-8"))
    assert f"Page {page.id}: 6 lines left out" in report["snapshot"]["skipped"][0]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), "The disk is full"),
        (PermissionError(errno.EACCES, "Permission denied"), "could not be read or written"),
        (MemoryError(), "There was not enough memory to train"),
        (ZeroDivisionError("oh"), "The training failed: ZeroDivisionError"),
    ],
)
def test_failure_while_learning_is_told_and_loses_nothing(
    make: Callable[..., Desk], error: Exception, message: str
) -> None:
    desk = make()

    def fail(step: int) -> None:
        raise error

    run_id = desk.start()
    assert desk.work(run_id, FakeFinetune("a", fail)) == FAILED
    run = desk.run(run_id)
    assert run.state == "failed" and message in run.message
    assert "go on from the last checkpoint" in run.message
    assert desk.current() == "small"
    assert len(storage.training_lines(desk.store)) == 12
    storage.continue_run(desk.store, run_id)
    assert desk.work(run_id) == DONE
    assert desk.current() == "small, v2"


def test_end_that_cannot_be_stored_is_told_by_the_exit_status(
    make: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make()

    def full(*_: object) -> storage.Run:
        raise storage.StorageError("The disk of htr.sqlite is full. Nothing was saved; make room.")

    monkeypatch.setattr(storage, "finish_run", full)
    monkeypatch.setattr("training.run_link.SAVE_PAUSE_S", 0.0)
    run_id = desk.start()
    assert desk.work(run_id) == UNTOLD
    assert desk.run(run_id).state == "running"  # until the app finds its process dead


def test_model_is_registered_and_put_to_use_or_neither(
    make: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make()

    def full(*_: object) -> storage.Model:
        raise storage.StorageError("The disk of htr.sqlite is full. Nothing was saved; make room.")

    run_id = desk.start()
    with monkeypatch.context() as patched:
        patched.setattr(storage, "set_current_model", full)
        assert desk.work(run_id) == FAILED
    assert "is full. Nothing was saved" in desk.run(run_id).message
    assert [model.name for model in storage.models(desk.store)] == ["small"]
    assert desk.folder(run_id).model.is_file()
    storage.continue_run(desk.store, run_id)
    assert desk.work(run_id) == DONE
    assert desk.current() == "small, v2"


def test_stopping_keeps_the_best_so_far_if_it_is_better(make: Callable[..., Desk]) -> None:
    desk = make()
    run_id = desk.start()
    finetune = FakeFinetune("a", lambda step: _stop(desk, run_id))
    assert desk.work(run_id, finetune) == DONE
    run = desk.run(run_id)
    assert run.state == "done" and run.result is not None
    assert (run.result["stopped"], run.result["steps"]) == ("cancelled", 1)
    assert run.result["promoted"]


def test_stopping_does_not_put_a_worse_model_to_use(make: Callable[..., Desk]) -> None:
    desk = make("a")
    run_id = desk.start()
    desk.work(run_id, FakeFinetune("", lambda step: _stop(desk, run_id)))
    result = desk.run(run_id).result
    assert result is not None and result["verdict"] == "worse"
    assert desk.current() == "small"


def test_stop_before_anything_was_learned_cancels(
    make: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make()
    run_id = desk.start()
    begin = storage.begin_run

    def begin_and_stop(store: storage.Store, number: int, pid: int) -> storage.Run | None:
        run = begin(store, number, pid)
        storage.ask_to_stop(store, number)
        return run

    monkeypatch.setattr(storage, "begin_run", begin_and_stop)
    assert desk.work(run_id) == DONE
    run = desk.run(run_id)
    assert (run.state, run.message) == ("cancelled", "Stopped before anything was learned.")


def test_shutdown_of_the_computer_cancels_and_can_be_gone_on_from(
    make: Callable[..., Desk],
) -> None:
    desk = make()
    run_id = desk.start()

    def train_terminated(run: storage.Run, link: Any, device: str) -> Any:
        def terminate(step: int) -> None:
            link.terminated = True

        return train(run, link, device, FakeFinetune("a", terminate), reference_lines=4)

    assert work(desk.store, run_id, "cpu", train_terminated) == DONE
    run = desk.run(run_id)
    assert run.state == "cancelled" and "was shut down while it trained" in run.message
    assert desk.current() == "small"
    storage.continue_run(desk.store, run_id)
    assert desk.work(run_id) == DONE
    assert desk.run(run_id).attempts == 2


def test_run_that_was_given_up_meanwhile_is_let_go(make: Callable[..., Desk]) -> None:
    desk = make()
    run_id = desk.start()

    def give_up(step: int) -> None:
        pid = desk.run(run_id).worker_pid
        storage.fail_unattended_run(desk.store, run_id, pid, "thought dead")

    assert desk.work(run_id, FakeFinetune("a", give_up)) == NOT_OURS
    run = desk.run(run_id)
    assert (run.state, run.message) == ("failed", "thought dead")
    assert desk.current() == "small"


def test_run_that_another_process_works_on_is_not_touched(make: Callable[..., Desk]) -> None:
    desk = make()
    run_id = desk.start()
    storage.begin_run(desk.store, run_id, 1)
    assert desk.work(run_id) == NOT_OURS
    assert desk.run(run_id).attempts == 1


def test_process_finds_the_data_folder_as_the_app_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTR_DATA_DIR", "/somewhere")
    assert command_line().parse_args(["5"]).data_dir == Path("/somewhere")
    monkeypatch.delenv("HTR_DATA_DIR")
    assert command_line().parse_args(["5"]).data_dir == Path("data")


def test_resumed_run_learns_from_the_snapshot_of_its_start(make: Callable[..., Desk]) -> None:
    desk = make()

    def fail(step: int) -> None:
        raise MemoryError

    run_id = desk.start()
    desk.work(run_id, FakeFinetune("a", fail))
    snapshot = desk.run(run_id).snapshot
    document = storage.documents(desk.store)[0].document
    correct_page(desk.store, add_page(desk.store, document.id, ["bad bed"], seed=9), ["bad bed"])
    storage.continue_run(desk.store, run_id)
    finetune = FakeFinetune("a")
    assert desk.work(run_id, finetune) == DONE
    assert desk.run(run_id).snapshot == snapshot
    assert "bad bed" not in finetune.taught


def test_resumed_run_starts_from_its_own_base_though_another_model_is_in_use(
    make: Callable[..., Desk],
) -> None:
    desk = make()

    def fail(step: int) -> None:
        raise MemoryError

    run_id = desk.start()
    desk.work(run_id, FakeFinetune("a", fail))
    other = add_model(desk.store, tiny_trainable(SMALL, seed=7), "other")
    storage.set_current_model(desk.store, other.id)
    storage.continue_run(desk.store, run_id)
    assert desk.work(run_id) == DONE
    result = desk.run(run_id).result
    assert result is not None
    assert (result["base_model_id"], result["promoted"]) == (1, False)
    assert "came into use" in result["sentence"]
    assert desk.current() == "other"


def test_settings_that_make_no_sense_fail_the_run(make: Callable[..., Desk]) -> None:
    desk = make()
    run_id = desk.start(minutes=-1)
    assert desk.work(run_id) == FAILED
    assert "The time limit is '-1'" in desk.run(run_id).message


def _stop(desk: Desk, run_id: int) -> None:
    storage.ask_to_stop(desk.store, run_id)
