from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import storage
from tests.training.corrected_lines import corrected, image_sha256, pages_of
from tests.training.desk_data import add_page, correct_page, make_desk
from training.errors import TrainingError
from training.lineage import FACTS, Lineage, lineage_of
from training.survey import survey, survey_lines


@pytest.fixture
def store(tmp_path: Path) -> Iterator[storage.Store]:
    with make_desk(tmp_path / "data", pages=2, lines=6) as opened:
        yield opened


def test_survey_tells_lines_pages_split_and_model(store: storage.Store) -> None:
    found = survey(store)
    assert (found.lines, found.pages, found.documents) == (12, 2, 1)
    assert (found.model_name, found.split.kind) == ("small", "pages")
    assert found.split.explanation == (
        "1 page will teach the model, 1 page (6 lines) will test it."
    )
    assert found.cer is None  # nobody has read the lines yet
    assert found.can_start


def test_survey_can_be_said_in_json(store: storage.Store) -> None:
    said = json.loads(json.dumps(survey(store).as_json(), allow_nan=False))
    assert said["can_start"] is True
    assert len(said["split"]["train_ids"]) == 6


def test_survey_of_a_desk_without_corrections_says_what_to_do(tmp_path: Path) -> None:
    with make_desk(tmp_path / "data", pages=0) as store:
        found = survey(store)
    assert not found.can_start
    assert found.advice == (
        "Correct some lines at the desk first; from about 16 lines of a hand on, teaching is "
        "usually worth it.",
    )


def test_survey_without_a_model_says_so(tmp_path: Path) -> None:
    with storage.open_store(tmp_path / "data") as store:
        with pytest.raises(TrainingError, match="no model in use"):
            survey(store)


def test_cer_comes_from_stored_readings_only_if_the_current_model_read_all_test_lines(
    store: storage.Store,
) -> None:
    split = survey(store).split
    texts = {line.line_id: line.text for line in storage.training_lines(store)}
    current = storage.current_model(store)
    assert current is not None
    *most, last = split.test_ids
    readings = {line: storage.NewReading(texts[line][1:], 0.9) for line in most}
    storage.add_readings(store, current.id, readings)
    assert survey(store).cer is None
    storage.add_readings(store, current.id, {last: storage.NewReading(texts[last][1:], 0.9)})
    expected = len(split.test_ids) / sum(len(texts[line]) for line in split.test_ids)
    assert survey(store).cer == pytest.approx(expected)


def test_pins_of_the_user_decide(store: storage.Store) -> None:
    taught = survey(store).split.train_pages[0]
    storage.pin_page(store, taught, True)
    assert survey(store).split.test_pages == (taught,)


def test_only_the_documents_asked_for_are_surveyed(store: storage.Store) -> None:
    other = storage.add_document(store, "Other letters")
    correct_page(store, add_page(store, other.id, ["ab", "cd"], seed=9), ["ab", "cd"])
    assert survey(store, [other.id]).lines == 2
    assert survey(store).lines == 14


def test_lines_without_text_are_told_but_neither_teach_nor_test(store: storage.Store) -> None:
    line = storage.training_lines(store)[0]
    storage.correct_line(store, line.line_id, " ", "corrected", "Ada", line.revision_id)
    found = survey(store)
    assert found.lines == 11
    assert [(one.line_id, one.kind) for one in found.suspicious] == [(line.line_id, "empty")]
    assert line.line_id not in found.split.train_ids + found.split.test_ids


def a_model(alphabet: tuple[str, ...]) -> storage.Model:
    created = datetime(2026, 1, 31, tzinfo=UTC)
    return storage.Model(1, "Latin cursive", None, "0" * 64, alphabet, {}, {}, created, True)


def test_characters_too_rare_in_the_teaching_lines_are_named() -> None:
    lines = [*pages_of({1: 8, 2: 8}), corrected(99, "some q\u0303 and ñ", page_id=3)]
    found = survey_lines(lines, a_model(tuple(" adehmnorsw")), Lineage())
    assert {one.character for one in found.unknown} == {"q", "\u0303", "ñ"}
    assert any("\N{DOTTED CIRCLE}\u0303" in advice for advice in found.advice)


def test_damaged_alphabet_is_refused() -> None:
    with pytest.raises(TrainingError, match="alphabet of model 1 .Latin cursive. is damaged"):
        survey_lines(pages_of({1: 8}), a_model(("a", "a")), Lineage())


def test_lineage_collects_what_taught_and_tested_all_ancestors(store: storage.Store) -> None:
    base = storage.current_model(store)
    assert base is not None
    one, two, three = (image_sha256(page) for page in (1, 2, 3))
    facts = {FACTS: {"train_images": [one], "test_images": [two], "train_lines": [4, 5]}}
    child = storage.register_model(store, b"child", "child", ["a"], facts=facts, parent_id=base.id)
    facts = {FACTS: {"train_images": [three], "test_images": [two], "train_lines": [6]}}
    grandchild = storage.register_model(
        store, b"grandchild", "grandchild", ["a"], facts=facts, parent_id=child.id
    )
    found = lineage_of(store, grandchild)
    assert found.trained_images == {one, three}
    assert found.tested_images == {two}
    assert found.trained_lines == {4, 5, 6}
    assert lineage_of(store, base) == Lineage()


def test_lineage_takes_nothing_from_facts_that_are_not_what_they_should_be(
    store: storage.Store,
) -> None:
    facts = {FACTS: {"train_images": ["../x", 3, None], "test_images": 7, "train_lines": [True]}}
    odd = storage.register_model(store, b"odd", "odd", ["a"], facts=facts)
    assert lineage_of(store, odd) == Lineage()
