"""Models from the Hugging Face Hub: found, fetched, checked, and converted where needed.

The only module of this package that uses the network.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Protocol

from htr.convert import convert_checkpoint, is_tensor_file
from htr.errors import DownloadError
from htr.header import FORMAT, read_header, read_tensor_file

SUFFIXES = (".safetensors", ".pth")
"""Files that may be models, the preferred kind first."""

SIZE_LIMIT_BYTES = 4_000_000_000
"""A published checkpoint with its optimiser takes about 1.3 GB."""

ANSWER_LIMIT_S = 8.0
"""Time for the hub's answer to one question; the download itself may take as long as it does."""


class Hub(Protocol):
    """Where models come from."""

    def sizes(self, repository: str, revision: str | None) -> Mapping[str, int]:
        """Return the size in bytes of every file in the repository, by its path."""

    def fetch(self, repository: str, filename: str, revision: str | None, folder: Path) -> Path:
        """Return the path of the file after storing it somewhere below the folder."""


class HuggingFaceHub:
    """The public hub, or the one that the environment variable HF_ENDPOINT names."""

    def sizes(self, repository: str, revision: str | None) -> Mapping[str, int]:
        """Return the size in bytes of every file in the repository, by its path.

        Raises DownloadError within seconds if the hub or the repository cannot be reached.
        """
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, HTTPError

        try:
            # One question without the library's retries: offline it fails at once, not in 23 s.
            info = HfApi().model_info(
                repository, revision=revision, files_metadata=True, timeout=ANSWER_LIMIT_S
            )
        # ValueError, TypeError: an invalid name, or a log-in page of the network as the answer.
        except (HfHubHTTPError, HTTPError, OSError, ValueError, TypeError) as error:
            raise _translated(error, repository, revision) from error
        return {file.rfilename: file.size or 0 for file in info.siblings or ()}

    def fetch(self, repository: str, filename: str, revision: str | None, folder: Path) -> Path:
        """Return the path of the file after storing it below the folder.

        Raises DownloadError if the connection breaks or the disk is full.
        """
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError

        try:
            stored = hf_hub_download(
                repository,
                filename,
                revision=revision,
                local_dir=folder,
                etag_timeout=ANSWER_LIMIT_S,
            )
        except (HfHubHTTPError, HFValidationError, HTTPError, OSError) as error:
            raise _translated(error, repository, revision) from error
        return Path(stored)


def download_checkpoint(
    repository: str,
    filename: str | None = None,
    revision: str | None = None,
    *,
    folder: Path | str,
    dataset: str | None = None,
    hub: Hub | None = None,
) -> Path:
    """Return the path, in `folder`, of a model of the hub in our format.

    repository: "owner/name". filename: which file, needed only where the repository has several
    models. revision: branch, tag or commit. dataset: whose alphabet, for a published `.pth`.

    Raises DownloadError if it cannot be fetched; what came but is no model raises the errors of
    `convert_checkpoint` and `read_header`, and nothing is left behind.
    """
    hub = hub or HuggingFaceHub()
    sizes = hub.sizes(repository, revision)
    filename = _chosen(repository, filename, sizes)
    if sizes[filename] > SIZE_LIMIT_BYTES:
        raise DownloadError(
            f"{filename} in {repository} has {sizes[filename] / 1e9:.1f} GB; the limit is "
            f"{SIZE_LIMIT_BYTES / 1e9:.0f} GB. Choose a smaller model."
        )
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as scratch:
            fetched = hub.fetch(repository, filename, revision, Path(scratch))
            return _installed(fetched, folder / _local_name(repository, filename), dataset)
    except OSError as error:
        raise DownloadError(
            f"The model could not be stored in {folder}: {error.strerror or error}. "
            f"Check the folder and the free space."
        ) from error


def _installed(fetched: Path, target: Path, dataset: str | None) -> Path:
    """Return the target after moving a model of ours there, or converting another."""
    if is_tensor_file(fetched) and read_tensor_file(fetched).metadata.get("format") == FORMAT:
        read_header(fetched)
        os.replace(fetched, target)
        return target
    return convert_checkpoint(fetched, target, dataset)


def _chosen(repository: str, filename: str | None, sizes: Mapping[str, int]) -> str:
    """Return the file to fetch: the named one, or the only one of the preferred kind."""
    models = sorted(name for name in sizes if name.endswith(SUFFIXES))
    shown = ", ".join(models[:8]) or "none"
    if filename is not None:
        if filename not in sizes:
            raise DownloadError(
                f"{repository} has no file {filename!r}. Its models: {shown}. Name one of them."
            )
        return filename
    for suffix in SUFFIXES:
        kind = [name for name in models if name.endswith(suffix)]
        if len(kind) == 1:
            return kind[0]
        if kind:
            raise DownloadError(f"{repository} has several models; name one of them: {shown}.")
    raise DownloadError(
        f"{repository} has no model: expected a file ending in {' or '.join(SUFFIXES)}, "
        f"found {len(sizes)} other files. Check the name of the repository."
    )


def _local_name(repository: str, filename: str) -> str:
    """Return a plain file name made of the repository's name and the file's."""
    text = f"{repository.rpartition('/')[2]}-{PurePosixPath(filename).stem}"
    return re.sub(r"[^\w.-]+", "_", text).lstrip(".") + ".safetensors"


def _translated(error: Exception, repository: str, revision: str | None) -> DownloadError:
    """Return the error that tells a user what happened and what to do."""
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, HFValidationError):
        return DownloadError(
            f"{repository[:100]!r} is no name of a repository; expected owner/name."
        )
    if isinstance(error, GatedRepoError):
        return DownloadError(
            f"{repository} asks for its terms to be accepted first. Accept them on its web page, "
            f"log in with `hf auth login`, and try again."
        )
    if isinstance(error, RepositoryNotFoundError):
        return DownloadError(
            f"The hub knows no repository {repository}, or it is private. Check the spelling "
            f"(owner/name); for a private one, log in with `hf auth login`."
        )
    if isinstance(error, RevisionNotFoundError):
        return DownloadError(
            f"{repository} has no revision {revision!r}. Name a branch, a tag or a commit."
        )
    if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
        return DownloadError(f"{repository} no longer has this file. Try again.")
    if isinstance(error, HfHubHTTPError):
        return DownloadError(
            f"The hub refused the request for {repository}: {_first_line(error)}. Try again later."
        )
    return DownloadError(
        f"The hub could not be reached for {repository} ({_first_line(error)}). Check the network "
        f"connection, or fetch the file on another machine, copy it here and run "
        f"`python -m htr convert`."
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200].rstrip(".") if lines else type(error).__name__
