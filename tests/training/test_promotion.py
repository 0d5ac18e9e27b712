from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import storage
from htr.alphabet import Alphabet
from tests.training.corrected_lines import scores
from tests.training.desk_data import NOW, add_model, make_desk
from tests.training.line_sets import tiny_trainable
from training.errors import TrainingError
from training.frozen_lines import Snapshot
from training.gate import Verdict, compare, forgetting, verdict
from training.growth import grow
from training.lineage import lineage_of
from training.promotion import PromotionError, next_name, promote, put_to_use
from training.snapshot import take_snapshot
from training.trainable import save_trainable

BAD, GOOD = [9, 8, 10, 9, 8, 9, 10, 8] * 2, [4, 3, 5, 5, 3, 4, 5, 2] * 2


@dataclass
class Case:
    store: storage.Store
    base: storage.Model
    snapshot: Snapshot
    candidate: Path

    def promote(self, before: list[int], after: list[int]):
        comparison = compare(scores(before), scores(after))
        return promote(
            self.store,
            self.candidate,
            run_id=7,
            snapshot=self.snapshot,
            comparison=comparison,
            verdict=verdict(comparison),
            forgetting=forgetting(scores([4] * 30), scores([5] * 30)),
            training={"steps": 50},
        )

    @property
    def current(self) -> storage.Model:
        model = storage.current_model(self.store)
        assert model is not None
        return model


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with make_desk(tmp_path / "data", pages=2, lines=6) as store:
        base = storage.current_model(store)
        assert base is not None
        snapshot = take_snapshot(store, tmp_path / "s", reference_count=0, replay_count=0)
        grown = grow(tiny_trainable(seed=5), ["ẽ"])
        save_trainable(tmp_path / "model.safetensors", grown, name="candidate", created=NOW)
        yield Case(store, base, snapshot, tmp_path / "model.safetensors")


def test_better_model_is_promoted(case: Case) -> None:
    found = case.promote(BAD, GOOD)
    assert found.promoted and found.model is not None
    assert case.current.id == found.model.id
    assert found.sentence.endswith("It is in use from now on.")


def test_worse_model_is_not_promoted(case: Case) -> None:
    found = case.promote(GOOD, BAD)
    assert not found.promoted and found.model is None
    assert case.current == case.base
    assert [one.id for one in storage.models(case.store)] == [case.base.id]


def test_unproven_model_is_kept_and_waits_for_the_user(case: Case) -> None:
    found = case.promote([9, 8, 10, 9], [4, 12, 5, 9])
    assert not found.promoted and found.model is not None
    assert case.current == case.base
    used = put_to_use(case.store, found.model.id, case.base.id, "not proven")
    assert case.current.id == used.id == found.model.id


def test_promoted_model_knows_its_parent_scores_characters_and_what_taught_it(case: Case) -> None:
    model = case.promote(BAD, GOOD).model
    assert model is not None
    assert (model.parent_id, model.name) == (case.base.id, "small, v2")
    assert model.alphabet == (*case.base.alphabet, "ẽ")
    assert model.scores["cer"] == pytest.approx(sum(GOOD) / (40 * len(GOOD)))
    assert model.scores["forgetting"]["warn"] is True
    facts = model.facts["fine_tuning"]
    assert facts["snapshot_sha256"] == case.snapshot.sha256
    assert (facts["run"], facts["training"]) == (7, {"steps": 50})
    past = lineage_of(case.store, model)
    assert past.trained_images == set(case.snapshot.facts.train_images)
    assert past.tested_images == set(case.snapshot.facts.test_images)
    assert len(past.trained_lines) == 6


def test_the_next_training_holds_out_the_same_page_again(case: Case, tmp_path: Path) -> None:
    case.promote(BAD, GOOD)
    again = take_snapshot(case.store, tmp_path / "again", reference_count=0, replay_count=0)
    assert again.facts.test_images == case.snapshot.facts.test_images
    assert again.facts.warnings == ()


def test_a_model_that_came_into_use_meanwhile_is_not_replaced_unasked(case: Case) -> None:
    newer = storage.set_current_model(
        case.store, add_model(case.store, tiny_trainable(seed=9), "newer").id
    )
    found = case.promote(BAD, GOOD)
    assert not found.promoted and found.model is not None
    assert case.current.id == newer.id
    assert 'While "small, v2" was trained, "newer" came into use.' in found.sentence
    with pytest.raises(PromotionError, match="which of the two reads better is not known"):
        put_to_use(case.store, found.model.id, case.base.id, "better")
    put_to_use(case.store, found.model.id, case.base.id, "better", insist=True)
    assert case.current.id == found.model.id


def test_nobody_can_insist_on_a_worse_model(case: Case) -> None:
    other = add_model(case.store, tiny_trainable(seed=9), "other")
    with pytest.raises(PromotionError, match="reads worse"):
        put_to_use(case.store, other.id, case.base.id, "worse", insist=True)
    assert case.current == case.base


def test_a_run_taken_up_again_after_its_end_registers_its_model_once(case: Case) -> None:
    first, second = case.promote(BAD, GOOD), case.promote(BAD, GOOD)
    assert first.model == second.model and second.promoted
    assert len(storage.models(case.store)) == 2


def test_a_broken_candidate_is_refused(case: Case) -> None:
    case.candidate.write_bytes(case.candidate.read_bytes()[:1000])
    with pytest.raises(TrainingError, match="The new model cannot be used"):
        case.promote(BAD, GOOD)
    assert case.current == case.base


def test_a_candidate_of_another_base_is_refused(case: Case) -> None:
    strange = tiny_trainable(seed=5)
    alphabet = Alphabet(tuple(reversed(strange.alphabet.characters)))
    swapped = type(strange)(strange.model, strange.tcm, alphabet, strange.config, strange.facts)
    save_trainable(case.candidate, swapped, name="strange", created=NOW)
    with pytest.raises(TrainingError, match="does not come from the model"):
        case.promote(BAD, GOOD)


def test_without_test_lines_a_model_waits_for_the_user(case: Case) -> None:
    found = case.promote([], [])
    assert not found.promoted and found.model is not None
    assert found.model.scores["verdict"] == "not proven"
    assert "cer" not in found.model.scores


@pytest.mark.parametrize(
    ("base", "others", "expected"),
    [
        ("Latin cursive", [], "Latin cursive, v2"),
        ("Latin cursive, v3", ["Latin cursive, v3"], "Latin cursive, v4"),
        ("Latin cursive", ["Latin cursive, v2", "Latin cursive, v7"], "Latin cursive, v8"),
        ("a" * 500, [], "a" * 480 + ", v2"),
    ],
)
def test_models_of_a_line_are_numbered(base: str, others: list[str], expected: str) -> None:
    known = [storage.Model(1, name, None, "0" * 64, (), {}, {}, NOW, False) for name in others]
    assert next_name(base, known) == expected


def test_verdicts_that_are_made_up_do_not_promote(case: Case) -> None:
    comparison = compare(scores(BAD), scores(GOOD))
    made_up = Verdict("not proven", "Perhaps.", None, ())
    found = promote(
        case.store, case.candidate, run_id=7, snapshot=case.snapshot, comparison=comparison,
        verdict=made_up,
    )  # fmt: skip
    assert not found.promoted
