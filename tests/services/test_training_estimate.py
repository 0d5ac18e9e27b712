"""How long a training takes: measured in another process, remembered, and said honestly."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import storage
from services.settings import Settings
from services.training_estimate import Estimator, in_words
from tests.training.desk_data import add_page, correct_page, make_desk
from training.errors import TrainingError
from training.survey import survey


class FakeTrials:
    """Stands in for the trial's process: counts the trials and prints what it is told to."""

    def __init__(self, printed: str) -> None:
        self.printed = printed
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        self.commands.append(command)
        return subprocess.CompletedProcess(command, 0, self.printed.encode(), b"")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[storage.Store]:
    with make_desk(tmp_path / "data", pages=2, lines=5) as opened:
        yield opened


def estimator(store: storage.Store) -> Estimator:
    return Estimator(Settings(store.data_dir, training_threads=1), store)


def trials(monkeypatch: pytest.MonkeyPatch, printed: str) -> FakeTrials:
    fake = FakeTrials(printed)
    monkeypatch.setattr(subprocess, "run", fake)
    return fake


MEASURED = json.dumps({"learning_s": 200.0, "around_s": 40.0, "step_s": 1.0})


def test_trial_is_done_once_for_like_sets(
    store: storage.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = trials(monkeypatch, MEASURED)
    asked = estimator(store)
    found = asked.estimate(survey(store), None, None)
    assert (found.seconds, found.sentence) == (240.0, "About 4 minutes on this computer.")
    assert asked.estimate(survey(store), None, None) == found
    assert len(fake.commands) == 1
    document = storage.documents(store)[0].document
    texts = ["ab cd"] * 40
    correct_page(store, add_page(store, document.id, texts, seed=5), texts)
    asked.estimate(survey(store), None, None)
    assert len(fake.commands) == 2


def test_limit_holds_for_learning_and_not_for_what_is_around_it(
    store: storage.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials(monkeypatch, MEASURED)
    asked = estimator(store)
    assert asked.estimate(survey(store), None, 1.0).seconds == 100.0
    assert asked.estimate(survey(store), None, 60.0).seconds == 240.0


def test_chosen_documents_are_named_to_the_trial(
    store: storage.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = trials(monkeypatch, MEASURED)
    estimator(store).estimate(survey(store), [1, 2], None)
    command = fake.commands[0]
    assert command[command.index("--documents") + 1] == "1,2"


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("", "the trial did not end well"),
        ("Killed\n", "the trial did not end well"),
        ('{"learning_s": "x"}', "the trial did not end well"),
        ("[1]", "the trial did not end well"),
        ('{"learning_s": NaN, "around_s": 1}', "measured nonsense"),
        ('{"error": "There is no model in use."}', "There is no model in use."),
    ],
)
def test_failed_trial_gives_no_number_and_says_so(
    store: storage.Store, monkeypatch: pytest.MonkeyPatch, printed: str, sentence: str
) -> None:
    trials(monkeypatch, printed)
    found = estimator(store).estimate(survey(store), None, None)
    assert found.seconds is None
    assert sentence in found.sentence


def test_nothing_to_learn_has_no_estimate(tmp_path: Path) -> None:
    with make_desk(tmp_path / "empty", pages=0) as store:
        with pytest.raises(TrainingError, match="No line is corrected yet"):
            estimator(store).estimate(survey(store), None, None)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (2, "5 seconds"),
        (42, "40 seconds"),
        (58, "1 minute"),
        (240, "4 minutes"),
        (5400, "1.5 hours"),
    ],
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


@pytest.mark.slow
def test_real_trial_measures_a_step(store: storage.Store) -> None:
    found = estimator(store).estimate(survey(store), None, None)
    assert found.seconds is not None and 0 < found.seconds < 3600
    assert found.sentence.startswith("About ")
