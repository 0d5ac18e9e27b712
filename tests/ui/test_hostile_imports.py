"""Hostile uploads through the web server and the importer: told, refused or mended, never worse."""

from __future__ import annotations

import json
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import storage
from services.services import Services
from tests.hostile_imports import CASES, Files, bomb
from tests.projects import ended, image, settings
from tests.ui.test_routes import Client
from ui.routes import build_routes

COUNTS = Counter({"told": 60, "mended": 10, "refused": 6})  # what the set has, and must keep


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("hostile") / "data"
    made = Services(settings(folder, HTR_MAX_UPLOAD_MB="50"), storage.open_store(folder))
    made.importer.start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def ask(services: Services) -> Client:
    return Client(build_routes(services))


def sent(services: Services, ask: Client, files: Files) -> storage.Run:
    """The run that looked through the files, sent as a browser does."""
    token = services.importer.begin()
    for name, data in files.items():
        headers = {"X-File-Name": urllib.parse.quote(name)}
        answer = ask("POST", f"/files/imports/{token}", content=data, headers=headers)
        assert answer.status_code == 200, answer.text
    return ended(services.store, services.importer.look(token, None, "ada"))


def files_beside(services: Services) -> set[Path]:
    """What lies around the data folder, and where attacks aim at."""
    outside = services.store.data_dir.parent
    return {path for path in outside.iterdir() if path.name != "data"} | {
        path for path in Path("/tmp").glob("evil*")
    }


def outcome(services: Services, looked: storage.Run) -> tuple[str, list[str]]:
    """What became of an upload of which all that can be is taken in, and what was said."""
    if looked.state == "failed":
        return "refused", [looked.message]
    taken = ended(services.store, services.importer.take(looked.id, "human", True, False, "ada"))
    problems = [*looked.result["problems"], *(taken.result or {}).get("problems", ())]
    if taken.state == "failed":
        return "refused", [taken.message]
    return ("told" if problems else "mended"), problems


@pytest.mark.parametrize("name", CASES)
def test_hostile_upload_ends_in_a_sentence_and_nothing_else(
    services: Services, ask: Client, name: str
) -> None:
    expected, make = CASES[name]
    before = files_beside(services)
    found, said = outcome(services, sent(services, ask, make()))
    assert found == expected, said
    for sentence in said:
        assert "server's log" not in sentence
        assert "\x1b" not in sentence and "\n" not in sentence
        assert len(sentence) < 700
    assert files_beside(services) == before
    text = json.dumps([line.text for page in pages(services) for line in lines(services, page)])
    assert "root:" not in text  # of /etc/passwd


@pytest.mark.parametrize(
    ("name", "limit"),
    [("1.xml", "33,554,432"), ("1.png", "50,000,000"), ("labels.jsonl", "134,217,728"),
     ("2.gt.txt", "65,536")],
)  # fmt: skip
def test_bomb_ends_at_the_limit_of_its_kind_of_file(
    services: Services, ask: Client, name: str, limit: str
) -> None:
    made = bomb(name, 150_000_000)
    assert len(made["up.zip"]) < 1_000_000
    _, said = outcome(services, sent(services, ask, made))
    assert any(f"has more than {limit} bytes, the limit" in sentence for sentence in said)


def test_set_has_what_it_had() -> None:
    assert Counter(expected for expected, _ in CASES.values()) == COUNTS


def test_good_upload_comes_in_after_all_of_them(services: Services, ask: Client) -> None:
    looked = sent(services, ask, {"fine.png": image(77)})
    assert outcome(services, looked) == ("mended", [])


def pages(services: Services) -> list[storage.Page]:
    found = storage.documents(services.store)[:1]
    return [
        summary.page
        for document in found
        for summary in storage.pages_of(services.store, document.document.id)
    ]


def lines(services: Services, page: storage.Page) -> list[storage.LineText]:
    return storage.lines_of(services.store, page.id)
