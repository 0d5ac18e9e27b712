"""What the browser gets of models: plain facts, whatever an imported file claims."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import storage
import ui.model_routes
from services.services import Services
from tests.services.model_files import put_model, put_page, sleeping_services, tiny_file, wait_for
from tests.ui.test_routes import Client
from ui.changes_place import changes_place
from ui.document import document
from ui.model_view import model_details, scores_view
from ui.models_place import models_place
from ui.read_by import read_by_view, read_with_current_function
from ui.routes import build_routes

PROMOTED = {
    "verdict": "better",
    "cer": 0.09,
    "cer_before": 0.18,
    "p": 0.003,
    "lines": 12,
    "forgetting": {"before": 0.2, "after": 0.204, "change": 0.004, "warn": False, "lines": 60},
}


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    opened = sleeping_services(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def base(services: Services, tmp_path: Path) -> storage.Model:
    model = put_model(services, tmp_path, 1, "base")
    return storage.set_current_model(services.store, model.id)


@pytest.fixture
def child(services: Services, base: storage.Model, tmp_path: Path) -> storage.Model:
    return put_model(services, tmp_path, 2, "<b>child</b>")


def functions(component: Any) -> dict[str, Callable[[dict], dict]]:
    """The server functions by the names by which the browser calls them."""
    return {function.__name__: function for function in component.server_fns}


@pytest.fixture
def ask(services: Services) -> dict[str, Callable[[dict], dict]]:
    return functions(models_place(services))


def test_shelf_tells_of_each_model_what_it_comes_from_and_where_it_is_used(
    services: Services, ask: dict, base: storage.Model, child: storage.Model
) -> None:
    put_page(services, base)
    newest, oldest = ask["shelf_of_models"]({})["models"]
    assert newest["name"] == "<b>child</b>"
    assert newest["parent"] == {"id": base.id, "name": "base", "removed": False}
    assert (newest["current"], oldest["current"]) == (False, True)
    assert (newest["pages"], oldest["pages"], oldest["documents"]) == (0, 1, 1)
    assert oldest["characters"] == 6
    assert oldest["bytes"] > 10_000


def test_model_is_used_gone_back_from_renamed_removed_and_restored(
    services: Services, ask: dict, base: storage.Model, child: storage.Model
) -> None:
    assert ask["use_model"]({"model": child.id}) == {"name": child.name, "before": base.id}
    assert ask["go_back"]({}) == {"name": "base", "before": child.id}
    assert ask["rename_model"]({"model": child.id, "name": " Ada "}) == {"name": "Ada"}
    assert "error" in ask["rename_model"]({"model": child.id, "name": " "})
    assert ask["remove_model"]({"model": child.id}) == {"name": "Ada", "days": 30}
    shelf = ask["shelf_of_models"]({})
    assert [model["id"] for model in shelf["models"]] == [base.id]
    assert [model["name"] for model in shelf["removed"]] == ["Ada"]
    assert ask["restore_model"]({"model": child.id}) == {"name": "Ada"}


def test_model_in_use_is_not_removed(ask: dict, base: storage.Model) -> None:
    told = ask["remove_model"]({"model": base.id})["error"]
    assert "is in use and cannot be removed" in told


def test_rates_are_those_that_promotion_wrote() -> None:
    view = scores_view(PROMOTED)
    assert (view["cer"], view["before"], view["p"], view["on"]) == (
        0.09, 0.18, 0.003, "12 held-out lines",
    )  # fmt: skip
    assert (view["verdict"], view["forgetting"], view["warn"]) == ("better", 0.004, False)
    shipped = scores_view({"test": {"cer": 0.35}, "validation": {"cer": 0.3}})
    assert (shipped["cer"], shipped["before"], shipped["on"]) == (0.35, None, "its test lines")
    assert scores_view({"published_best_cer": 0.04})["on"] == "as published"


@pytest.mark.parametrize(
    "scores",
    [
        {},
        {"cer": "<script>"},
        {"cer": float("nan")},
        {"cer": True, "forgetting": 5},
        {"test": "none", "validation": [1]},
        {"cer": -1, "p": [], "verdict": {}},
    ],
)
def test_scores_of_a_foreign_file_that_make_no_sense_are_not_shown(scores: dict) -> None:
    view = scores_view(scores)
    assert (view["cer"], view["before"], view["forgetting"]) == (None, None, None)


def test_details_hold_lineage_learned_characters_and_facts_cut_short(
    services: Services, base: storage.Model, tmp_path: Path
) -> None:
    file = tiny_file(tmp_path / "3.safetensors", 3)
    facts = {
        "fine_tuning": {
            "run": 4, "train_line_count": 64, "test_line_count": 12, "documents": [1],
            "train_images": ["a", "b"], "train_lines": list(range(64)),
        },
        **{f"fact {number}": number for number in range(500)},
    }  # fmt: skip
    model = storage.register_model(
        services.store, file, "child", [*base.alphabet, "ẽ"], PROMOTED, facts, base.id
    )
    view = model_details(services, model.id)
    assert view["lineage"] == [{"id": base.id, "name": "base", "removed": False}]
    assert view["learned_characters"] == ["ẽ"]
    assert (view["lines"], view["from_pages"], view["test_lines"]) == (64, 2, 12)
    assert view["report"] == 4
    assert ("fine tuning, train lines", "64 entries") in view["facts"]
    assert len(view["facts"]) == 60
    (shown,) = model_details(services, base.id)["children"]
    assert shown["name"] == "child"


def test_page_read_by_another_model_is_told_and_queued_once(
    services: Services, base: storage.Model, child: storage.Model
) -> None:
    page = put_page(services, base)
    view = read_by_view(services, page.document_id)
    assert view["current"] == "base"
    assert view["pages"][page.id] == {
        "by": ["base"], "other": False, "otherwise": False, "compared": False,
    }  # fmt: skip
    read_with_current = read_with_current_function(services)
    assert read_with_current({"document": page.document_id}) == {"pages": 0}
    storage.set_current_model(services.store, child.id)
    assert read_by_view(services, page.document_id, page.id)["pages"][page.id]["other"]
    assert read_with_current({"document": page.document_id}) == {"pages": 1}
    assert read_with_current({"page": page.id}) == {"pages": 0}  # it waits already
    opened = functions(document(services))["open_document"]({"document": page.document_id})
    assert opened["model"] == "<b>child</b>"
    assert opened["pages"][0]["read"]["by"] == ["base"]


def test_page_read_without_the_language_model_in_use_is_told_and_queued(
    services: Services, base: storage.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = put_page(services, base)
    monkeypatch.setattr(services.language, "reads_for", lambda model: model.id == base.id)
    view = read_by_view(services, page.document_id)
    assert view["language"]
    assert view["pages"][page.id]["otherwise"]
    assert not view["pages"][page.id]["other"]
    read_with_current = read_with_current_function(services)
    assert read_with_current({"document": page.document_id}) == {"pages": 1}
    opened = functions(document(services))["open_document"]({"document": page.document_id})
    assert opened["with_language"]


def test_changes_show_lines_that_differ_with_their_words_and_rates_on_human_text(
    services: Services, base: storage.Model, child: storage.Model
) -> None:
    page = put_page(services, base)
    lines = [shown.line.id for shown in storage.lines_of(services.store, page.id)]
    storage.correct_line(services.store, lines[1], "machine 22", "corrected", "ada", None)
    storage.set_current_model(services.store, child.id)
    texts = ["machine 1", "machine 22", "other 3", "machine 4"]
    readings = {
        line_id: storage.NewReading(text, 0.5) for line_id, text in zip(lines, texts, strict=True)
    }
    storage.add_readings(services.store, child.id, readings)
    open_changes = functions(changes_place(services))["open_changes"]
    view = open_changes({"page": page.id, "document": None})
    assert (view["compared"], view["differ"], view["decided"]) == (4, 2, 1)
    assert view["cer"] == [0.1, 0.0]
    assert (view["before"], view["now"]) == (["base"], ["<b>child</b>"])
    first, second = view["lines"]
    assert (first["place"], first["text"]) == ([1, 2], "machine 22")
    assert second["read"] == [
        [["machine", True], ["3", False]],
        [["other", True], ["3", False]],
    ]
    assert second["text"] is None
    assert open_changes({"page": None, "document": page.document_id})["differ"] == 2
    assert "error" in open_changes({"page": None})


def test_lines_that_taught_a_model_do_not_count_for_it(
    services: Services, base: storage.Model, tmp_path: Path
) -> None:
    page = put_page(services, base)
    first, second, *_ = (shown.line.id for shown in storage.lines_of(services.store, page.id))
    for line_id in (first, second):
        storage.correct_line(services.store, line_id, "as it is", "corrected", "ada", None)
    taught = storage.register_model(
        services.store,
        tiny_file(tmp_path / "taught.safetensors", 9),
        "taught",
        base.alphabet,
        facts={"fine_tuning": {"train_lines": [first]}},
        parent_id=base.id,
    )
    readings = {line_id: storage.NewReading("as it is", 0.5) for line_id in (first, second)}
    storage.add_readings(services.store, taught.id, readings)
    storage.set_current_model(services.store, taught.id)
    open_changes = functions(changes_place(services))["open_changes"]
    view = open_changes({"page": page.id, "document": None})
    assert (view["decided"], view["taught"]) == (1, 1)
    assert view["cer"][1] == 0.0


def test_comparison_is_started_followed_and_shown(
    services: Services, ask: dict, base: storage.Model, child: storage.Model
) -> None:
    page = put_page(services, base)
    line = storage.lines_of(services.store, page.id)[0].line.id
    storage.correct_line(services.store, line, "<i>abcdé</i>", "corrected", "ada", None)
    choices = ask["comparison_choices"]({})
    assert [one["lines"] for one in choices["documents"]] == [1]
    question = {"document": page.document_id, "lines": 20, "first": base.id, "second": child.id}
    run = ask["compare"](question)["run"]
    wait_for(lambda: ask["open_comparison"]({"run": run})["state"] == "done")
    view = ask["open_comparison"]({"run": run})
    assert view["names"] == ["base", "<b>child</b>"]
    assert view["compared"] == 1
    assert sum(view["better"]) == 1
    assert ask["shelf_of_models"]({})["comparisons"][0]["run"] == run
    assert "error" in ask["compare"]({**question, "second": base.id})
    assert "error" in ask["open_comparison"]({"run": 999})


def test_model_leaves_as_a_file_and_comes_in_again(
    services: Services, base: storage.Model, tmp_path: Path
) -> None:
    client = Client(build_routes(services))
    storage.rename_model(services.store, base.id, "Écriture <b>1847</b>")
    answer = client("GET", f"/files/models/{base.id}.safetensors")
    assert answer.status_code == 200
    assert "%C3%89criture%20" in answer.headers["content-disposition"]
    assert answer.headers["content-disposition"].startswith("attachment")
    again = client(
        "POST", "/files/models", content=answer.content, headers={"X-File-Name": "a.safetensors"}
    )
    assert again.json()["model"] == base.id
    assert "is here already" in again.json()["note"]
    assert client("GET", "/files/models/99.safetensors").status_code == 404
    assert list((services.store.data_dir / "tmp").iterdir()) == []


def test_file_that_is_no_model_or_too_large_is_refused_with_a_sentence(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(build_routes(services))
    named = {"X-File-Name": "%3Cb%3Ex.pth"}
    assert client("POST", "/files/models", content=b"x").status_code == 400
    refused = client("POST", "/files/models", content=b"PK\x03\x04 nothing", headers=named)
    assert refused.status_code == 409
    assert refused.json()["message"].startswith("<b>x.pth is neither safetensors nor")
    monkeypatch.setattr(ui.model_routes, "MODEL_LIMIT_MB", 1)
    monkeypatch.setattr(services, "settings", services.settings.__class__(
        **{**services.settings.__dict__, "max_upload_mb": 1}))  # fmt: skip
    client = Client(build_routes(services))
    large = client("POST", "/files/models", content=b"0" * 1_100_000, headers=named)
    assert large.status_code == 413
    assert large.json()["message"] == "<b>x.pth is larger than 1 MB, the limit for model files."
    assert storage.models(services.store) == []
    assert list((services.store.data_dir / "tmp").iterdir()) == []
