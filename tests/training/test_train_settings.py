"""What a person may choose before a training starts, and what the database may hold instead."""

from __future__ import annotations

import json
from typing import Any

import pytest

from training.errors import TrainingError
from training.train_settings import TrainSettings, train_settings


def test_choices_survive_the_database() -> None:
    chosen = TrainSettings(5.0, (1, 2), True, True, 7, (3,), 4)
    assert train_settings(json.loads(json.dumps(chosen.as_json()))) == chosen


def test_nothing_chosen_is_the_recipe() -> None:
    assert train_settings({}) == TrainSettings(None, None, None, False, 1, (), None)
    assert train_settings({}).time_limit_s is None


def test_minutes_are_a_limit_in_seconds() -> None:
    assert train_settings({"minutes": 5}).time_limit_s == 300.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"minutes": 0}, "The time limit is '0'; it must be a number of minutes"),
        ({"minutes": -3}, "The time limit is '-3'"),
        ({"minutes": float("nan")}, "The time limit is 'nan'"),
        ({"minutes": 1e9}, "The time limit is '1000000000.0'"),
        ({"minutes": True}, "The time limit is 'True'"),
        ({"minutes": "5"}, "The time limit is '5'"),
        ({"document_ids": "12"}, "The documents to learn from must be a list of numbers"),
        ({"document_ids": [1, "2"]}, "documents to learn from holds '2'"),
        ({"document_ids": [0]}, "documents to learn from holds '0'"),
        ({"left_out": {}}, "The lines to leave out must be a list of numbers"),
        ({"self_training": 1}, "The setting self_training is '1'; it may be true or false"),
        ({"tcm": 1}, "The setting tcm is '1'; it may be true or false"),
        ({"seed": -1}, "The setting seed holds '-1'"),
        ({"seed": 2**40}, "The setting seed holds"),
        ({"base_model_id": "x"}, "The setting base_model_id holds 'x'"),
        ({"epochs": 3}, "There is no training setting 'epochs'; there are minutes"),
    ],
)
def test_choice_that_makes_no_sense_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        train_settings(values)
