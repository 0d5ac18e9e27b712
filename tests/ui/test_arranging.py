"""What the document place does with pages: place, bin, queue; over a real database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import storage
from services.services import Services
from tests.ui.training_runs import add_pages, sleeping_services
from ui.answers import Answer
from ui.arranging import arranging_functions
from ui.queue import queue_functions, queue_view

Ask = Callable[..., Any]


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    opened = sleeping_services(tmp_path)
    add_pages(opened, 3)
    yield opened
    opened.close()


@pytest.fixture
def ask(services: Services) -> Ask:
    functions = {
        function.__name__: function
        for group in (arranging_functions, queue_functions)
        for function in group(services)
    }

    def asked(name: str, **data: object) -> Answer:
        return functions[name](data)

    return asked


def order(services: Services, document_id: int) -> list[int]:
    return [one.page.id for one in storage.pages_of(services.store, document_id)]


def test_pages_go_into_a_new_document_and_back(services: Services, ask: Ask) -> None:
    (document,) = [one.document for one in storage.documents(services.store)]
    first, second, third = order(services, document.id)
    answer = ask("place_pages", pages=[third, first], document=None, before=None, title="New one")
    assert answer["document"]["title"] == "New one"
    assert order(services, answer["document"]["id"]) == [third, first]
    undone = ask("restore_places", former=answer["former"], made=answer["made"])
    assert undone == {"restored": True}
    assert order(services, document.id) == [first, second, third]
    assert [one.document.id for one in storage.documents(services.store)] == [document.id]


def test_refused_move_leaves_no_empty_document(services: Services, ask: Ask) -> None:
    answer = ask("place_pages", pages=[999], document=None, before=None, title="New one")
    assert "There is no page 999" in answer["error"]
    assert len(storage.documents(services.store)) == 1


def test_several_pages_go_into_the_bin_at_once_and_come_back(services: Services, ask: Ask) -> None:
    document = storage.documents(services.store)[0].document
    first, second, third = order(services, document.id)
    ask("remove_pages", pages=[first, third])
    assert order(services, document.id) == [second]
    ask("restore_pages", pages=[first, third])
    assert order(services, document.id) == [first, second, third]


@pytest.mark.parametrize("pages", [None, [], "1", [True], ["1"]])
def test_request_without_pages_is_refused(ask: Ask, pages: object) -> None:
    assert "Reload this page" in ask("remove_pages", pages=pages)["error"]


def test_queue_is_paused_and_goes_on(services: Services, ask: Ask) -> None:
    page_id = order(services, storage.documents(services.store)[0].document.id)[0]
    storage.queue_reading(services.store, page_id)
    assert ask("pause_reading")["queue"] == {"pages": 1, "left_s": None, "paused": True}
    ask("go_on_reading")
    assert queue_view(services)["paused"] is False


def test_failed_pages_are_tried_again_and_keep_their_lines(services: Services, ask: Ask) -> None:
    document = storage.documents(services.store)[0].document
    page_id = order(services, document.id)[0]
    lines = storage.line_order(services.store, page_id)
    storage.queue_reading(services.store, page_id)
    run = storage.take_next_run(services.store, "read")
    assert run is not None
    storage.fail_run(services.store, run.id, "broken")
    assert ask("read_failed", document=document.id) == {"pages": 1}
    again = storage.take_next_run(services.store, "read")
    assert again is not None
    assert (again.page_id, again.settings) == (page_id, {"lines": "keep"})
    assert storage.line_order(services.store, page_id) == lines
