"""Models come from the hub whole and checked, or a clear error says why not."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from htr.checkpoint import read_header, save_checkpoint
from htr.errors import CheckpointFormatError, ConversionError, DownloadError, RecognitionError
from htr.hub import SIZE_LIMIT_BYTES, HuggingFaceHub, download_checkpoint
from tests.htr.test_convert import CREATED, plain_file
from tests.htr.tiny import ALPHABET, tiny_model


class FakeHub:
    """A hub of one repository, its files in a folder of this machine."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.asked: list[tuple[str, str | None]] = []

    def sizes(self, repository: str, revision: str | None) -> Mapping[str, int]:
        self.asked.append((repository, revision))
        return {name: len(data) for name, data in self.files.items()}

    def fetch(self, repository: str, filename: str, revision: str | None, folder: Path) -> Path:
        path = folder / filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.files[filename])
        return path


@pytest.fixture
def own(tmp_path: Path) -> bytes:
    path = tmp_path / "made.safetensors"
    save_checkpoint(path, tiny_model(), ALPHABET, name="made", created=CREATED)
    return path.read_bytes()


def test_own_model_is_stored_as_it_is(tmp_path: Path, own: bytes) -> None:
    hub = FakeHub({"README.md": b"", "model.safetensors": own, "old.pth": b""})
    stored = download_checkpoint(
        "someone/letters", revision="v1", folder=tmp_path / "models", hub=hub
    )
    assert stored == tmp_path / "models" / "letters-model.safetensors"
    assert stored.read_bytes() == own
    assert hub.asked == [("someone/letters", "v1")]
    assert os.listdir(stored.parent) == [stored.name]


def test_model_of_another_format_is_converted(tmp_path: Path) -> None:
    plain = plain_file(tmp_path / "p.safetensors").read_bytes()
    hub = FakeHub({"sub folder/a.safetensors": plain, "b.safetensors": b""})
    stored = download_checkpoint(
        "someone/letters", "sub folder/a.safetensors", folder=tmp_path / "models", hub=hub
    )
    assert read_header(stored).alphabet == ALPHABET
    assert os.listdir(stored.parent) == ["letters-a.safetensors"]


def test_published_pth_is_converted_and_its_errors_are_told(tmp_path: Path) -> None:
    torch.save({"weights": 1}, tmp_path / "m.pth")
    hub = FakeHub({"m.pth": (tmp_path / "m.pth").read_bytes()})
    with pytest.raises(ConversionError, match="m.pth holds no weights"):
        download_checkpoint("a/b", folder=tmp_path / "models", dataset="iam", hub=hub)
    assert os.listdir(tmp_path / "models") == []


def test_damaged_model_is_refused_and_leaves_nothing(tmp_path: Path, own: bytes) -> None:
    hub = FakeHub({"model.safetensors": own[:-5]})
    with pytest.raises(CheckpointFormatError, match="cut short"):
        download_checkpoint("a/b", folder=tmp_path / "models", hub=hub)
    assert os.listdir(tmp_path / "models") == []


@pytest.mark.parametrize(
    ("files", "filename", "message"),
    [
        (["a.pth", "b.pth"], None, "a/b has several models; name one of them: a.pth, b.pth"),
        (["a.pth"], "c.pth", "a/b has no file 'c.pth'. Its models: a.pth. Name one of them."),
        (["a.txt"], None, "a/b has no model: expected a file ending in .safetensors or .pth"),
        ([], None, "found 0 other files"),
    ],
)
def test_unclear_choice_of_file_is_told(
    tmp_path: Path, files: list[str], filename: str | None, message: str
) -> None:
    hub = FakeHub(dict.fromkeys(files, b""))
    with pytest.raises(DownloadError) as caught:
        download_checkpoint("a/b", filename, folder=tmp_path, hub=hub)
    assert message in str(caught.value)


def test_giant_file_is_not_fetched(tmp_path: Path) -> None:
    class GiantHub(FakeHub):
        def sizes(self, repository: str, revision: str | None) -> Mapping[str, int]:
            return {"m.pth": SIZE_LIMIT_BYTES + 1}

    with pytest.raises(DownloadError, match="has 4.0 GB; the limit is 4 GB"):
        download_checkpoint("a/b", folder=tmp_path, hub=GiantHub({}))


def test_name_from_the_hub_cannot_leave_the_folder(tmp_path: Path, own: bytes) -> None:
    class Hub(FakeHub):
        def fetch(self, repository: str, filename: str, revision: str | None, folder: Path) -> Path:
            (folder / "file").write_bytes(own)
            return folder / "file"

    hub = Hub({"../../evil.safetensors": own})
    stored = download_checkpoint("a/..", folder=tmp_path / "models", hub=hub)
    assert stored.parent == tmp_path / "models"
    assert os.listdir(stored.parent) == [stored.name]


def test_folder_that_cannot_be_made_is_told(tmp_path: Path, own: bytes) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="could not be stored in"):
        download_checkpoint("a/b", folder=tmp_path / "file", hub=FakeHub({"m.safetensors": own}))


@pytest.mark.parametrize("name", ["no slash//twice", "a/b/c", "", "a b"])
def test_impossible_repository_name_is_told_without_network(tmp_path: Path, name: str) -> None:
    with pytest.raises(DownloadError, match="is no name of a repository; expected owner/name"):
        download_checkpoint(name, folder=tmp_path)


def test_without_network_the_error_comes_within_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_names(*arguments: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_names)
    start = time.monotonic()
    with pytest.raises(DownloadError) as caught:
        download_checkpoint("someone/letters", folder=tmp_path / "models")
    assert time.monotonic() - start < 20  # the library's own retries take longer
    assert "The hub could not be reached for someone/letters" in str(caught.value)
    assert "copy it here and run `python -m htr convert`" in str(caught.value)
    assert not (tmp_path / "models").exists()


def test_unknown_repository_and_refusals_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub import errors as hub_errors

    response = httpx2.Response(404, request=httpx2.Request("GET", "https://hub.invalid"))
    expected: list[tuple[Exception, str]] = [
        (hub_errors.RepositoryNotFoundError("x", response=response), "knows no repository a/b"),
        (hub_errors.GatedRepoError("x", response=response), "asks for its terms to be accepted"),
        (hub_errors.RevisionNotFoundError("x", response=response), "has no revision 'v9'"),
        (hub_errors.HfHubHTTPError("busy.", response=response), "refused the request"),
        (ValueError("Expecting value"), "could not be reached for a/b (Expecting value)"),
    ]
    for error, message in expected:

        def fail(*arguments: object, _error: Exception = error, **named: object) -> None:
            raise _error

        monkeypatch.setattr(HfApi, "model_info", fail)
        with pytest.raises(RecognitionError) as caught:
            HuggingFaceHub().sizes("a/b", "v9")
        assert message in str(caught.value)
