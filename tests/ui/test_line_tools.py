"""What any program may send to the line editor's server functions: a clear sentence comes back."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import storage
from services.services import Services
from ui.line_tools import layout_view, line_functions, segmentation_methods
from ui.line_view import line_view

REQUEST = SimpleNamespace(headers={})


@pytest.fixture
def ask(two_pages: Services) -> Callable[..., dict]:
    """Send a change of page 1, whose lines are 1 to 3; page 2 has lines 4 to 6."""
    change_lines = line_functions(two_pages)[0]

    def send(what: str, **data: Any) -> dict:
        known = storage.layout_steps(two_pages.store, 1).newest_id
        return change_lines({"page": 1, "known": known, "token": "", "what": what, **data}, REQUEST)

    return send


def test_change_answers_with_what_the_browser_has_to_show(ask: Callable[..., dict]) -> None:
    answer = ask("move", baselines=[{"line": 2, "points": [[20, 104], [300, 106]]}])
    assert (answer["layout"], answer["undo"], answer["redo"]) == (1, "move", None)
    assert answer["order"] == [1, 2, 3]
    (line,) = answer["lines"]
    assert line["baseline"] == ((20.0, 104.0), (300.0, 106.0))
    assert line["unread"]
    answer = ask("undo")
    assert (answer["undo"], answer["redo"]) == (None, "move")
    assert answer["lines"][0]["baseline"] == ((20.0, 100.0), (300.0, 100.0))


def test_order_alone_sends_no_lines(ask: Callable[..., dict]) -> None:
    answer = ask("reorder", lines=[3, 1, 2])
    assert (answer["order"], answer["lines"]) == ([3, 1, 2], [])


def test_stale_browser_gets_the_page_as_it_is_now(ask: Callable[..., dict]) -> None:
    ask("delete", lines=[1])
    answer = ask("delete", lines=[2], known=0)
    assert answer["conflict"] == "tester"
    assert answer["order"] == [2, 3]
    assert [line["id"] for line in answer["lines"]] == [2, 3]


MILLION = [[1.0, 1.0]] * 1_000_000


@pytest.mark.parametrize(
    ("what", "data", "reason"),
    [
        ("explode", {}, "no change of lines named 'explode'"),
        ("__init__", {}, "no change of lines named"),
        ("draw", {}, "A baseline has no points"),
        ("draw", {"points": MILLION}, "1,000,000 points"),
        ("draw", {"points": [[1, 1]]}, "baseline of 1 points"),
        ("draw", {"points": [[1, math.nan], [50, 1]]}, "no pair of numbers"),
        ("draw", {"points": [[1, math.inf], [50, 1]]}, "no pair of numbers"),
        ("draw", {"points": [[1, 1e300], [50, 1]]}, "no pair of numbers"),
        ("draw", {"points": [[1, 10**400], [50, 1]]}, "no pair of numbers"),
        ("draw", {"points": [[1, True], [50, 1]]}, "no pair of numbers"),
        ("draw", {"points": [["1", 1], [50, 1]]}, "no pair of numbers"),
        ("draw", {"points": [[1, 1, 1], [50, 1]]}, "no pair of numbers"),
        ("draw", {"points": [None, [50, 1]]}, "no pair of numbers"),
        ("draw", {"points": [[1, 1], [50_000, 1]]}, "far off the page of 400 x 300 px"),
        ("move", {}, "has no baselines"),
        ("move", {"baselines": [{"points": [[1, 1], [50, 1]]}]}, "names no line"),
        ("move", {"baselines": ["x"]}, "names no line"),
        ("move", {"baselines": [{"line": 4, "points": [[1, 1], [50, 1]]}]}, "no line 4 on page 1"),
        ("delete", {"lines": []}, "names no lines"),
        ("delete", {"lines": [1] * 20_000}, "more than 10,000"),
        ("delete", {"lines": ["1"]}, "names no line"),
        ("delete", {"lines": [True]}, "names no line"),
        ("delete", {"lines": [-1]}, "names no line"),
        ("delete", {"lines": [2**70]}, "names no line"),
        ("delete", {"lines": [1, 5]}, "no line 5 on page 1"),
        ("merge", {"lines": [1]}, "at least two lines"),
        ("merge", {"lines": [1, 6]}, "no line 6 on page 1"),
        ("split", {"line": 1}, "no pair of numbers"),
        ("split", {"line": 1, "at": [20, 50]}, "cannot be cut there"),
        ("split", {"line": 9, "at": [50, 50]}, "no line 9 on page 1"),
        ("reorder", {"lines": [1, 2]}, "names 2 lines and the page has 3"),
        ("undo", {}, "no change of its lines to undo"),
        ("redo", {}, "no change of its lines to redo"),
        ("delete", {"lines": [1], "page": 77}, "no line 1 on page 77|no page 77"),
        ("delete", {"lines": [1], "page": "1"}, "names no page"),
        ("delete", {"lines": [1], "known": "0"}, "does not say what it knows"),
        ("delete", {"lines": [1], "known": -1}, "does not say what it knows"),
        ("delete", {"lines": [1], "token": None}, "has no token"),
        ("delete", {"lines": [1], "token": "x" * 5000}, "more than 100 characters"),
    ],
)
def test_nonsense_gets_a_clear_sentence_and_changes_nothing(
    ask: Callable[..., dict], two_pages: Services, what: str, data: dict, reason: str
) -> None:
    import re

    answer = ask(what, **data)
    assert set(answer) == {"error"}
    assert re.search(reason, answer["error"])
    assert storage.layout_history(two_pages.store, 1) == []


@pytest.mark.parametrize("data", [None, [], "x", 3])
def test_request_that_is_no_object_gets_a_clear_sentence(two_pages: Services, data: object) -> None:
    for function, more in zip(line_functions(two_pages), [(REQUEST,), (), (REQUEST,)], strict=True):
        assert "names no page" in function(data, *more)["error"]


def test_segmentation_is_queued_for_one_page_or_the_document(two_pages: Services) -> None:
    segment_again = line_functions(two_pages)[2]
    asked = {"page": 1, "scope": "page", "method": "opencv"}
    assert segment_again(asked, REQUEST) == {"pages": 1}
    assert segment_again({**asked, "scope": "document"}, REQUEST) == {"pages": 2}
    assert "no segmentation method" in segment_again({**asked, "method": "x"}, REQUEST)["error"]
    assert {run.page_id for run in storage.runs(two_pages.store, "read")} == {1, 2}
    assert set(segmentation_methods()) <= {"auto", "network", "opencv"}


def test_reading_is_offered_only_after_the_shape_of_a_decided_line_has_changed(
    two_pages: Services, ask: Callable[..., dict]
) -> None:
    store = two_pages.store
    model = storage.current_model(store)
    assert model is not None

    def is_offered() -> bool:
        return line_view(storage.line_text(store, 1))["reread"]

    def read(text: str) -> None:
        storage.add_readings(store, model.id, {1: storage.NewReading(text, 0.5)})

    read("first")
    revision = storage.correct_line(store, 1, "by hand", "corrected", "ada", None)
    read("a better model")
    assert not is_offered()
    ask("move", baselines=[{"line": 1, "points": [[20, 60], [300, 60]]}])
    assert not is_offered()  # not read yet
    read("by hand")
    assert not is_offered()  # no difference
    read("other")
    assert is_offered()
    ask("undo")
    read("first")
    assert not is_offered()  # the shape is that of the decision again
    ask("redo")
    read("other")
    assert is_offered()
    storage.correct_line(store, 1, "by hand", "confirmed", "ada", revision.id)
    assert not is_offered()


def test_page_says_where_its_history_stands(two_pages: Services) -> None:
    assert layout_view(two_pages, 1) == {
        "layout": 0,
        "undo": None,
        "redo": None,
        "order": [1, 2, 3],
    }
