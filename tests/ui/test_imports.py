"""Files of imports and backups through the web server: bounded, only with their name's header."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import storage
from services.services import Services
from tests.projects import settings
from tests.ui.test_routes import Client
from ui.routes import build_routes


@pytest.fixture
def services(tmp_path) -> Iterator[Services]:
    made = Services(
        settings(tmp_path / "data", HTR_MAX_IMPORT_MB="2"), storage.open_store(tmp_path / "data")
    )
    yield made
    made.close()


@pytest.fixture
def ask(services: Services) -> Client:
    return Client(build_routes(services))


def test_file_of_an_import_is_kept_under_its_name(services: Services, ask: Client) -> None:
    token = services.importer.begin()
    answer = ask("POST", f"/files/imports/{token}", content=b"<x/>",
                 headers={"X-File-Name": "a%2F%C3%A9.xml"})  # fmt: skip
    assert answer.json() == {"message": ""}
    folder = services.store.data_dir / "imports" / token
    assert (folder / "files.json").read_text(encoding="utf-8").startswith('["a/\\u00e9.xml", ')
    assert all(path.parent == folder for path in folder.iterdir())


def test_import_over_the_limit_is_refused_while_it_arrives(services: Services, ask: Client) -> None:
    token = services.importer.begin()
    for size, status in ((1_500_000, 200), (1_500_000, 413)):
        answer = ask("POST", f"/files/imports/{token}", content=b"0" * size,
                     headers={"X-File-Name": "a.zip"})  # fmt: skip
        assert answer.status_code == status
    words = "a.zip is larger than 1 MB, what is left of the 2 MB that HTR_MAX_IMPORT_MB allows"
    assert answer.json()["message"].startswith(words)
    kept = list((services.store.data_dir / "imports" / token).glob("*.file"))
    assert [path.stat().st_size for path in kept] == [1_500_000]


@pytest.mark.parametrize("token", ["..%2F..", "0" * 32])
def test_file_for_an_unknown_import_is_refused(ask: Client, token: str) -> None:
    answer = ask("POST", f"/files/imports/{token}", content=b"x", headers={"X-File-Name": "a"})
    assert answer.status_code in (404, 409)


def test_file_without_the_name_header_is_refused(services: Services, ask: Client) -> None:
    token = services.importer.begin()
    assert ask("POST", f"/files/imports/{token}", content=b"x").status_code == 400


def test_backup_is_sent_as_a_file_and_restores(services: Services, ask: Client, tmp_path) -> None:
    storage.add_document(services.store, "Letters")
    answer = ask("GET", "/files/backup.zip")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith('attachment; filename="htr-backup-')
    (tmp_path / "all.zip").write_bytes(answer.content)
    assert storage.restore_backup(tmp_path / "all.zip", tmp_path / "new").damaged == []
    with storage.open_store(tmp_path / "new") as restored:
        assert [one.document.title for one in storage.documents(restored)] == ["Letters"]
