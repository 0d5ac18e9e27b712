"""What the Train place shows and takes, over a real database; no process is started."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import storage
from services.services import Services
from tests.ui.training_runs import (
    LEARNED,
    add_model,
    add_pages,
    corrected_page,
    ended,
    running,
    sleeping_services,
)
from ui.answers import Answer
from ui.run_view import MAX_POINTS, curve, line_image
from ui.train_place import decision_functions, run_functions, survey_functions

Ask = Callable[..., Any]


class QuietProcess:
    """A training process that has not ended."""

    pid = 1

    def poll(self) -> None:
        return None


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setattr("services.trainer.start_worker", lambda *arguments: QuietProcess())
    opened = sleeping_services(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def ask(services: Services) -> Ask:
    offered = [survey_functions, run_functions, decision_functions]
    functions = {function.__name__: function for group in offered for function in group(services)}

    def asked(name: str, **data: object) -> Answer:
        return functions[name](data)

    return asked


def test_survey_says_what_there_is_to_learn_from(services: Services, ask: Ask) -> None:
    add_pages(services, 3)
    survey = ask("survey", documents=None)
    assert (survey["lines"], survey["pages"], survey["can_start"]) == (12, 3, True)
    assert survey["teach"] == {"lines": 8, "pages": 2}
    assert survey["test"] == {"lines": 4, "pages": 1}
    assert survey["explanation"].startswith("2 pages will teach the model, 1 page (4 lines)")
    assert survey["model"] == {"name": "hand, v1", "cer": 0.0}
    assert [page["number"] for page in survey["page_list"]] == [1, 2, 3]
    assert [page["role"] for page in survey["page_list"]].count("test") == 1


def test_empty_library_has_nothing_to_learn_from(ask: Ask) -> None:
    survey = ask("survey", documents=None)
    assert (survey["lines"], survey["documents"], survey["can_start"]) == (0, [], False)


def test_pinned_page_tests_and_is_released_again(services: Services, ask: Ask) -> None:
    first, second, third = add_pages(services, 3)

    def roles(survey: Answer) -> dict[int, tuple[str, bool | None]]:
        return {page["id"]: (page["role"], page["pinned"]) for page in survey["page_list"]}

    pinned = roles(ask("pin_page", page=second.id, held_out=True, documents=None))
    assert pinned == {
        first.id: ("teach", None),
        second.id: ("test", True),
        third.id: ("teach", None),
    }
    released = roles(ask("pin_page", page=second.id, held_out=None, documents=None))
    assert {pin for _, pin in released.values()} == {None}


def test_pin_that_is_neither_teach_nor_test_is_refused(services: Services, ask: Ask) -> None:
    page = add_pages(services, 1)[0]
    assert "error" in ask("pin_page", page=page.id, held_out="yes", documents=None)
    assert storage.page(services.store, page.id).held_out is None


def test_only_chosen_documents_are_surveyed_and_all_are_offered(
    services: Services, ask: Ask
) -> None:
    add_pages(services, 2)
    add_pages(services, 1)
    survey = ask("survey", documents=[2])
    assert survey["lines"] == 4
    assert {(one["id"], one["lines"], one["chosen"]) for one in survey["documents"]} == {
        (1, 8, False),
        (2, 4, True),
    }


@pytest.mark.parametrize("documents", ["1", [0], [True], ["1"], {"a": 1}])
def test_documents_that_are_no_numbers_are_refused(ask: Ask, documents: object) -> None:
    assert "error" in ask("survey", documents=documents)


def test_unknown_character_is_shown_with_its_line_and_lit_in_it(
    services: Services, ask: Ask
) -> None:
    document = storage.add_document(services.store, "letters")
    page, line_ids = corrected_page(services.store, document.id, ("cm\u0304e l'ẽfant",))
    unknown = {one["shown"]: one for one in ask("survey", documents=None)["unknown"]}
    assert unknown["ẽ"]["words"].startswith("U+1EBD LATIN SMALL LETTER E WITH TILDE; ")
    assert "made of e + \N{DOTTED CIRCLE}\u0303" in unknown["ẽ"]["words"]
    macron = unknown["\N{DOTTED CIRCLE}\u0304"]
    assert "combines with m (1)" in macron["words"]
    (example,) = macron["examples"]
    assert example["pieces"] == ["c", "m\u0304", "e l'ẽfant"]  # the mark with its letter
    assert (example["page"], example["line"]) == (page.id, line_ids[0])
    assert example["image"].startswith(f"files/lines/{line_ids[0]}/")


def test_suspicious_line_is_named_by_document_page_and_line(services: Services, ask: Ask) -> None:
    add_pages(services, 1)
    texts = ("a text that stands twice", "a text that stands twice", "and one more")
    page, line_ids = corrected_page(services.store, 1, texts, shade=9)
    found = ask("survey", documents=None)["suspicious"]
    assert [(one["document"], one["page_number"], one["number"]) for one in found] == [
        ("letters", 2, 1),
        ("letters", 2, 2),
    ]
    assert (found[0]["page"], found[0]["line"]) == (page.id, line_ids[0])


def test_start_keeps_the_choices_with_the_run(services: Services, ask: Ask) -> None:
    add_pages(services, 2)
    answer = ask("start", documents=[1], minutes=5, tcm=False, self_training=True, left_out=[2, 3])
    settings = storage.run(services.store, answer["run"]).settings
    assert (settings["document_ids"], settings["minutes"], settings["tcm"]) == ([1], 5.0, False)
    assert settings["self_training"] is True
    assert (settings["base_model_id"], settings["left_out"]) == (1, [2, 3])


def test_second_start_is_refused_with_a_sentence(services: Services, ask: Ask) -> None:
    add_pages(services, 2)
    ask("start", documents=None, minutes=None, tcm=None)
    answer = ask("start", documents=None, minutes=None, tcm=None)
    assert answer["error"].startswith("A training is under way already")


@pytest.mark.parametrize("minutes", ["5", -1, 10**9, True])
def test_time_limit_that_is_none_is_refused(services: Services, ask: Ask, minutes: object) -> None:
    add_pages(services, 2)
    answer = ask("start", documents=None, minutes=minutes, tcm=None)
    assert answer["error"].startswith("The time limit is")
    assert storage.runs(services.store, "train") == []


def test_run_at_work_shows_phase_curve_and_samples(services: Services, ask: Ask) -> None:
    running(
        services.store,
        {"phase": "baseline", "step": None, "cer_before": 0.18},
        {
            "phase": "training", "step": 20, "steps": 80, "time_left_s": 60.0, "elapsed_s": 20.0,
            "loss": 1.5, "cer": 0.16, "samples": [["line-4", "a hat", "a bat"]],
        },
        {"phase": "training", "step": 30, "steps": 80, "loss": 1.2, "cer": None, "samples": []},
    )  # fmt: skip
    shown = ask("state")["running"]
    assert shown["phase_words"] == "Teaching the model"
    assert (shown["step"], shown["steps"], shown["cer_before"]) == (30, 80, 0.18)
    assert shown["curve"] == [
        {"step": 20, "loss": 1.5, "cer": 0.16},
        {"step": 30, "loss": 1.2, "cer": None},
    ]
    assert shown["samples"] == [
        {
            "image": f"files/runs/{shown['id']}/lines/line-4.png",
            "truth": "a hat",
            "reading": "a bat",
        }
    ]


def test_event_with_nonsense_is_left_out(services: Services, ask: Ask) -> None:
    running(
        services.store,
        {"step": "7", "steps": True, "loss": "low", "cer": [1], "samples": "none"},
        {"step": 8, "loss": None, "cer": None, "samples": [["../../x", "a", "b"], [1], "x"]},
        phase="<b>odd</b>",
    )
    shown = ask("state")["running"]
    assert (shown["step"], shown["steps"], shown["curve"]) == (8, None, [])
    assert shown["samples"] == [{"image": None, "truth": "a", "reading": "b"}]
    assert shown["phase_words"] == "<b>odd</b>"  # the browser writes it as text


@pytest.mark.parametrize("key", ["../model", "a/b", "", ".", "a" * 101, None, 7, "é"])
def test_key_that_is_no_line_has_no_image(key: object) -> None:
    assert line_image(1, key) is None


def test_long_curve_is_thinned_but_keeps_every_cer() -> None:
    points = [{"step": n, "loss": 1.0, "cer": 0.5 if n % 100 == 7 else None} for n in range(4000)]
    thinned = curve(points)
    assert len(thinned) <= MAX_POINTS + 40
    assert sum(point["cer"] is not None for point in thinned) == 40


def test_steps_that_were_done_twice_count_once() -> None:
    points = [{"step": n, "loss": 1.0} for n in (1, 2, 3, 2, 3, 4)]
    assert [point["step"] for point in curve(points)] == [1, 2, 3, 4]


def test_poll_after_poll_shows_the_whole_curve_of_the_run_at_work(
    services: Services, ask: Ask
) -> None:
    first = running(services.store, {"step": 1, "loss": 2.0})
    assert len(ask("state")["running"]["curve"]) == 1
    storage.add_run_event(services.store, first, {"step": 2, "loss": 1.0})
    assert [point["step"] for point in ask("state")["running"]["curve"]] == [1, 2]
    storage.fail_run(services.store, first, "x")
    assert ask("state")["running"] is None
    running(services.store, {"step": 7, "loss": 1.0})
    assert [point["step"] for point in ask("state")["running"]["curve"]] == [7]


def test_cancel_asks_the_process_to_stop(services: Services, ask: Ask) -> None:
    run_id = running(services.store)
    ask("cancel", run=run_id)
    assert ask("state")["running"]["stopping"] is True


def test_failed_run_tells_why_and_can_be_taken_up(services: Services, ask: Ask) -> None:
    run_id = running(services.store)
    storage.fail_run(services.store, run_id, "The disk is full. Make room.")
    (services.store.data_dir / "runs" / str(run_id)).mkdir(parents=True)
    (shown,) = ask("state")["runs"]
    assert (shown["verdict"], shown["sentence"]) == ("failed", "The disk is full. Make room.")
    assert (shown["can_resume"], shown["has_checkpoint"]) == (True, False)
    assert ask("resume", run=run_id) == {"running": True}
    assert storage.run(services.store, run_id).state == "waiting"


def test_better_model_is_in_use_until_a_person_goes_back(services: Services, ask: Ask) -> None:
    made = add_model(services.store, "hand, v2")
    storage.set_current_model(services.store, made.id)
    run_id = ended(services.store, {**LEARNED, "model_id": made.id, "base_model_id": 1})
    (shown,) = ask("state")["runs"]
    assert shown["in_use"] is True
    # Whether it is in use may change; the sentence must not say so for good.
    assert shown["sentence"] == (
        "It now misreads 9.0 % of the characters (was 18 %; surely better: p = 0.003). "
        "On other handwriting it reads as before."
    )
    assert ask("go_back", run=run_id) == {"model": "hand, v1"}
    assert ask("state")["runs"][0]["in_use"] is False


def test_model_that_is_not_proven_is_used_when_a_person_says_so(
    services: Services, ask: Ask
) -> None:
    made = add_model(services.store, "hand, v2")
    result = {**LEARNED, "verdict": "not proven", "model_id": made.id, "base_model_id": 1}
    run_id = ended(services.store, result)
    assert ask("state")["runs"][0]["in_use"] is False
    assert ask("use_model", run=run_id) == {"model": "hand, v2"}
    current = storage.current_model(services.store)
    assert current is not None
    assert current.id == made.id


def test_worse_model_is_not_put_to_use(services: Services, ask: Ask) -> None:
    result = {**LEARNED, "verdict": "worse", "model_id": None, "base_model_id": 1}
    run_id = ended(services.store, result)
    assert "worse" in ask("use_model", run=run_id)["error"]
    shown = ask("state")["runs"][0]
    assert (shown["has_model"], shown["in_use"]) == (False, False)


def test_warning_of_forgetting_is_shown_and_not_said_twice(services: Services, ask: Ask) -> None:
    words = "On other handwriting it reads worse than before (12 %, was 9.0 %)."
    forgetting = {"warn": True, "sentence": words}
    ended(services.store, {**LEARNED, "warnings": [words], "forgetting": forgetting})
    (shown,) = ask("state")["runs"]
    assert shown["warnings"] == [words]
    assert words not in shown["sentence"]


def test_run_with_a_broken_result_is_still_listed(services: Services, ask: Ask) -> None:
    ended(services.store, {"verdict": 3, "sentence": [], "cer_before": "x", "forgetting": 5})
    (shown,) = ask("state")["runs"]
    assert (shown["sentence"], shown["cer_before"]) == ("It has ended.", None)
