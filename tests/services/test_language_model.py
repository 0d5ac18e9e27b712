"""The language model of a data folder: built, measured, switched, and never in the reader's way."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import storage
from htr.beam import BeamSearch
from htr.character_counts import build_character_model
from htr.language_file import save_beam_search
from services.language_model import LEAST_LINES, LanguageModel
from services.services import Services
from services.settings import read_settings
from storage import StorageError
from tests.training.desk_data import SMALL, add_model, make_desk
from tests.training.line_sets import tiny_trainable
from training.growth import grow

TEXT = "\n".join(["a line of the same kind", "", "another line of it"] * 20)


def open_desk(folder: Path) -> Services:
    settings = read_settings({"HTR_DATA_DIR": str(folder), "HTR_DEVICE": "cpu"})
    return Services(settings, storage.open_store(settings.data_dir))


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with enough corrected lines and a language model built from them."""
    folder = tmp_path_factory.mktemp("ready") / "data"
    make_desk(folder, pages=10, lines=6).close()
    services = open_desk(folder)
    build(services)
    services.close()
    return folder


@pytest.fixture
def desk(ready: Path, tmp_path: Path) -> Iterator[Services]:
    """A desk with a language model, switched off; nothing of it runs by itself."""
    shutil.copytree(ready, tmp_path / "data")
    services = open_desk(tmp_path / "data")
    yield services
    services.close()


@pytest.fixture
def small_desk(tmp_path: Path) -> Iterator[Services]:
    make_desk(tmp_path / "data", pages=1, lines=6).close()
    services = open_desk(tmp_path / "data")
    yield services
    services.close()


def build(services: Services) -> None:
    services.language.build(services.reader, services._pixels_of).join(60)


def reads_with_it(services: Services) -> bool:
    return services.reader._current_recognizer()[0]._beam is not None


def test_it_is_built_from_corrections_and_measured_on_lines_kept_aside(desk: Services) -> None:
    state = desk.language.state()
    assert (state.trouble, state.share, state.suits) == ("", None, True)
    assert (state.facts.lines, state.facts.text_lines) == (60, 0)
    assert 8 <= state.facts.test_lines <= 30
    assert 0 < state.facts.cer_after
    assert 0 < state.facts.cer_before


def test_it_is_measured_without_the_pages_that_measure_it(
    desk: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services import language_model

    built: list[set[int]] = []
    made = language_model._language

    def spied(lines, *rest):
        built.append({line.page_id for line in lines})
        return made(lines, *rest)

    monkeypatch.setattr(language_model, "_language", spied)
    kept = []
    tuned = LanguageModel._tuned
    monkeypatch.setattr(
        LanguageModel,
        "_tuned",
        lambda self, reader, test, *rest: (
            kept.append({line.page_id for line in test}) or tuned(self, reader, test, *rest)
        ),
    )
    build(desk)
    assert not built[0] & kept[0]
    assert built[1] == built[0] | kept[0]


def test_lines_are_read_greedily_until_it_is_switched_on(desk: Services) -> None:
    assert not reads_with_it(desk)
    desk.language.switch(True)
    assert reads_with_it(desk)
    desk.language.switch(False)
    assert not reads_with_it(desk)


def test_lines_are_read_with_what_was_built_last(desk: Services) -> None:
    desk.language.switch(True)
    first = desk.reader._current_recognizer()[0]
    assert desk.reader._current_recognizer()[0] is first
    build(desk)
    assert desk.language.state().facts.on
    assert desk.reader._current_recognizer()[0] is not first


def use_another_model(services: Services, characters: list[str]) -> storage.Model:
    """Put a model to use that writes these characters too, as teaching does."""
    model = add_model(services.store, grow(tiny_trainable(SMALL), characters), "taught")
    storage.set_current_model(services.store, model.id)
    return model


def until_it_is_built() -> None:
    for thread in threading.enumerate():
        if thread.name == "language-model":
            thread.join(60)


def helps(monkeypatch: pytest.MonkeyPatch, cer: float) -> None:
    """Let what is built be measured to misread that much, where greedy reading misreads .5."""
    tuned = LanguageModel._tuned

    def told(self, *rest):
        return [
            replace(one, beam=replace(one.beam, cer=cer), greedy=replace(one.greedy, cer=0.5))
            for one in tuned(self, *rest)
        ]

    monkeypatch.setattr(LanguageModel, "_tuned", told)


def test_a_model_of_other_characters_reads_without_it_until_it_is_built_anew_by_itself(
    desk: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    helps(monkeypatch, 0.4)
    desk.language.switch(True)
    assert not desk.language.state().due
    model = use_another_model(desk, ["ß"])
    state = desk.language.state()
    assert (state.suits, state.due) == (False, True)
    assert not reads_with_it(desk)
    until_it_is_built()
    state = desk.language.state()
    assert (state.suits, state.due, state.facts.on) == (True, False, True)
    assert state.facts.model_id == model.id
    assert reads_with_it(desk)


def test_a_model_of_the_same_characters_reads_with_it_while_it_is_built_anew(
    desk: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    helps(monkeypatch, 0.4)
    desk.language.switch(True)
    assert reads_with_it(desk)
    before = desk.language.state().facts.built
    model = use_another_model(desk, [])
    assert reads_with_it(desk)
    until_it_is_built()
    facts = desk.language.state().facts
    assert (facts.on, facts.model_id) == (True, model.id)
    assert facts.built > before


def test_it_is_not_built_anew_for_the_model_that_it_was_built_for_or_switched_off(
    desk: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LanguageModel, "build", lambda *_, **__: pytest.fail("it was built"))
    desk.language.switch(True)
    assert reads_with_it(desk)
    desk.language.switch(False)
    use_another_model(desk, [])
    assert not reads_with_it(desk)


def test_it_is_switched_off_where_the_next_model_reads_no_better_with_it(
    desk: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    helps(monkeypatch, 0.6)
    desk.language.switch(True)
    use_another_model(desk, ["ß"])
    assert not reads_with_it(desk)
    until_it_is_built()
    assert (desk.language.state().facts.on, reads_with_it(desk)) == (False, False)


def test_what_a_person_says_while_it_is_built_is_the_last_word(
    desk: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    helps(monkeypatch, 0.4)
    kept_aside = LanguageModel._kept_aside
    begun, go_on = threading.Event(), threading.Event()

    def slowly(self, *rest):
        begun.set()
        assert go_on.wait(60)
        return kept_aside(self, *rest)

    monkeypatch.setattr(LanguageModel, "_kept_aside", slowly)
    desk.build_language(use_if_it_helps=True)
    assert begun.wait(60)
    assert desk.language.state().wanted
    desk.read_with_language(False)
    assert not desk.language.state().wanted
    go_on.set()
    until_it_is_built()
    assert not desk.language.state().facts.on


def test_switching_it_on_builds_it_first_where_there_is_none(
    small_desk: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_box(small_desk, tmp_path, monkeypatch)
    small_desk.read_with_language(True)
    until_it_is_built()
    assert small_desk.language.state().facts.on
    assert reads_with_it(small_desk)
    small_desk.read_with_language(False)
    assert not reads_with_it(small_desk)


def test_switching_it_on_builds_it_anew_only_where_lines_were_corrected_since(
    desk: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    helps(monkeypatch, 0.4)
    before = desk.language.state().facts
    desk.read_with_language(True)
    assert desk.language.state().facts == replace(before, on=True)
    desk.read_with_language(False)
    line = storage.training_lines(desk.store)[0]
    storage.correct_line(desk.store, line.line_id, "", "ignored", "Ada", line.revision_id)
    desk.read_with_language(True)
    until_it_is_built()
    facts = desk.language.state().facts
    assert (facts.on, facts.lines) == (True, before.lines - 1)


def test_it_stays_off_where_it_cannot_be_built(small_desk: Services) -> None:
    small_desk.read_with_language(True)
    until_it_is_built()
    state = small_desk.language.state()
    assert "6 lines are corrected" in state.trouble
    assert (state.facts.on, state.wanted, state.share) == (False, False, None)


@pytest.mark.parametrize("damage", [b"", b"no model at all"])
def test_a_damaged_file_is_told_and_does_not_stop_the_reader(desk: Services, damage) -> None:
    desk.language.switch(True)
    (desk.store.data_dir / "language" / "model.safetensors").write_bytes(damage)
    assert not reads_with_it(desk)
    assert "Build it again. Pages are read without it." in desk.language.state().trouble
    build(desk)
    assert (desk.language.state().trouble, reads_with_it(desk)) == ("", True)


def test_a_page_is_read_with_it(desk: Services) -> None:
    desk.language.switch(True)
    crop = np.full((64, 300), 200, np.uint8)
    recognizer, _ = desk.reader._current_recognizer()
    (read,) = recognizer.recognize([crop])
    assert 0 <= read.confidence <= 1


def test_few_corrected_lines_are_refused_with_their_number(small_desk: Services) -> None:
    build(small_desk)
    state = small_desk.language.state()
    assert state.trouble == (
        f"6 lines are corrected; a language model needs {LEAST_LINES}, or a text of the same "
        "kind. Correct more lines, or choose a text."
    )
    assert state.facts.built == 0
    with pytest.raises(StorageError, match="no language model yet"):
        small_desk.language.switch(True)


def test_a_chosen_text_is_enough(small_desk: Services) -> None:
    small_desk.language.choose_text("letters.txt", TEXT)
    build(small_desk)
    state = small_desk.language.state()
    assert (state.trouble, state.facts.text_lines, state.facts.text_name) == (
        "", 40, "letters.txt",
    )  # fmt: skip
    assert (state.facts.lines, state.facts.test_lines) == (6, 0)
    small_desk.language.choose_text("", "")
    assert small_desk.language.state().facts.text_name == ""


def a_box(text: str, characters: tuple[str, ...], path: Path) -> None:
    """Put a language model of that text in the box's place."""
    save_beam_search(path, BeamSearch(build_character_model(text.split("\n"), characters)))


def put_box(services: Services, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a language model in the box that suits the model in use."""
    model = storage.current_model(services.store)
    assert model is not None
    a_box("ab cd\nbad dab", model.alphabet, folder / "box.safetensors")
    monkeypatch.setattr("htr.shipped.LANGUAGE", folder / "box.safetensors")


def test_what_is_in_the_box_is_enough(
    small_desk: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_box(small_desk, tmp_path, monkeypatch)
    build(small_desk)
    state = small_desk.language.state()
    assert (state.trouble, state.facts.box, state.facts.lines) == ("", True, 6)
    small_desk.language.switch(True)
    assert reads_with_it(small_desk)


def test_a_box_in_other_characters_is_left_out(
    small_desk: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_box("жжж ж\nab", tuple("ab ж"), tmp_path / "box.safetensors")
    monkeypatch.setattr("htr.shipped.LANGUAGE", tmp_path / "box.safetensors")
    build(small_desk)
    assert "6 lines are corrected" in small_desk.language.state().trouble


@pytest.mark.parametrize(("cers", "kept"), [((0.2, 0.1), False), ((0.1, 0.2), True)])
def test_the_box_is_kept_where_it_helps_on_lines_kept_aside(
    desk: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cers, kept: bool
) -> None:
    put_box(desk, tmp_path, monkeypatch)
    tuned = LanguageModel._tuned

    def told(self, reader, test, languages, pixels_of):
        found = tuned(self, reader, test, languages, pixels_of)
        assert len(found) == 2  # with the box, and without it
        return [
            replace(one, beam=replace(one.beam, cer=cer))
            for one, cer in zip(found, cers, strict=True)
        ]

    monkeypatch.setattr(LanguageModel, "_tuned", told)
    build(desk)
    assert (desk.language.state().facts.box, desk.language.state().facts.cer_after) == (kept, 0.1)


def test_facts_of_an_earlier_version_are_read(desk: Services) -> None:
    path = desk.store.data_dir / "language" / "state.json"
    facts = json.loads(path.read_text())
    del facts["box"], facts["model_id"]
    path.write_text(json.dumps(facts))
    state = LanguageModel(desk.store).state()
    assert (state.trouble, state.facts.box, state.facts.lines) == ("", False, 60)


def test_a_text_in_another_script_is_refused(small_desk: Services) -> None:
    for line in storage.training_lines(small_desk.store):
        storage.correct_line(
            small_desk.store, line.line_id, "Ж", "corrected", "Ada", line.revision_id
        )
    small_desk.language.choose_text("t.txt", "ЖЖЖ\n" * 3)
    build(small_desk)
    assert "no character that the recognition model knows" in small_desk.language.state().trouble


def test_a_text_beyond_the_limit_is_refused(
    small_desk: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.language_model.TEXT_LIMIT_BYTES", 10)
    with pytest.raises(StorageError, match="“t.txt” is larger than 0 MB. Choose a part of it."):
        small_desk.language.choose_text("t.txt", "é" * 6)


def test_it_is_built_once_at_a_time(desk: Services) -> None:
    desk.language._share = 0.5
    with pytest.raises(StorageError, match="being built already"):
        build(desk)


def test_it_is_the_same_after_a_restart(desk: Services) -> None:
    desk.language.switch(True)
    again = LanguageModel(desk.store)
    assert again.state() == desk.language.state()
    assert again.stamp == desk.language.stamp


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", "[" * 100_000, '{"on": 1}'],
)
def test_a_damaged_state_is_told_and_counts_as_none(desk: Services, content: str) -> None:
    (desk.store.data_dir / "language" / "state.json").write_text(content)
    state = LanguageModel(desk.store).state()
    assert state.facts.built == 0
    assert "damaged. Build it again." in state.trouble


@pytest.mark.parametrize(("name", "value"), [("on", "yes"), ("built", "x"), ("alphabet", [1])])
def test_facts_of_another_kind_count_as_damage(desk: Services, name: str, value: object) -> None:
    path = desk.store.data_dir / "language" / "state.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    assert LanguageModel(desk.store).state().facts.built == 0


def test_an_error_that_nobody_expected_is_told_too(
    desk: Services, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    monkeypatch.setattr(LanguageModel, "_kept_aside", lambda *_: 1 // 0)
    before = desk.language.state().facts.built
    build(desk)
    state = desk.language.state()
    assert state.trouble == "The language model could not be built; the server's log says why."
    assert state.facts.built == before
    assert "ZeroDivisionError" in caplog.text
