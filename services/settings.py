"""Settings of one running app, read from the environment once."""

from __future__ import annotations

import getpass
import importlib.util
import os
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path


class SettingsError(Exception):
    """A setting that cannot be used; the message names it and what it may be."""


def _setting(variable: str, default: str, meaning: str) -> str:
    # The one place where a setting is described: `--help` and the README's table are made of it.
    return field(
        default=default, metadata={"variable": variable, "default": default, "meaning": meaning}
    )


@dataclass(frozen=True)
class _Variables:
    """The settings as the environment spells them."""

    data_dir: str = _setting(
        "HTR_DATA_DIR", "data", "folder of the database, the page images and the models"
    )
    host: str = _setting(
        "HTR_HOST",
        "127.0.0.1",
        "address to listen on; 0.0.0.0 opens the app to the network, then set HTR_USERS too",
    )
    port: str = _setting("HTR_PORT", "7860", "port to listen on")
    device: str = _setting(
        "HTR_DEVICE", "auto", "what reads the lines: auto, cpu, cuda or cuda:N (the N-th GPU)"
    )
    max_upload_mb: str = _setting(
        "HTR_MAX_UPLOAD_MB", "200", "largest file that may be uploaded, in megabytes"
    )
    max_import_mb: str = _setting(
        "HTR_MAX_IMPORT_MB",
        "20000",
        "largest import, all its files and archives together, in megabytes",
    )
    fetch_private: str = _setting(
        "HTR_FETCH_PRIVATE",
        "no",
        "yes lets IIIF addresses lie on this computer or its network, not only on public servers",
    )
    threads: str = _setting(
        "HTR_THREADS", "auto", "CPU threads that reading may use; auto takes one a core, at most 8"
    )
    training_threads: str = _setting(
        "HTR_TRAINING_THREADS",
        "auto",
        "CPU threads that teaching a model may use; auto takes all cores of two, else all but one",
    )
    segmentation: str = _setting(
        "HTR_SEGMENTATION",
        "auto",
        "how lines are found: auto, network or opencv; auto takes the network where it is there",
    )
    mcp: str = _setting(
        "HTR_MCP",
        "off",
        "on: the endpoints for programs are MCP tools, too; needs requirements-mcp.txt",
    )
    author: str = _setting(
        "HTR_AUTHOR", "", "name written beside corrections where nobody signs in; the login name"
    )
    users: str = _setting(
        "HTR_USERS",
        "",
        "who may sign in, as name:password,name:password; empty lets everybody in",
    )


@dataclass(frozen=True)
class Settings:
    """The settings of the app, checked.

    users: password by name; empty where nobody has to sign in.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 7860
    device: str = "auto"
    max_upload_mb: int = 200
    max_import_mb: int = 20_000
    fetch_private: bool = False
    threads: int = 2
    training_threads: int = 2
    segmentation: str = "auto"
    author: str = "transcriber"
    mcp: bool = False
    users: Mapping[str, str] = field(default_factory=dict)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings that the environment asks for.

    Raises: SettingsError naming the variable, what was found and what it may be.
    """
    given = {
        f.name: environment.get(f.metadata["variable"], "").strip() for f in fields(_Variables)
    }
    value = {f.name: given[f.name] or f.metadata["default"] for f in fields(_Variables)}
    device = value["device"].lower()
    if device not in ("auto", "cpu", "cuda") and not (
        device.startswith("cuda:") and device[5:].isdigit()
    ):
        raise SettingsError(f"HTR_DEVICE is '{device}'; it may be auto, cpu, cuda or cuda:N.")
    if value["segmentation"] not in ("auto", "network", "opencv"):
        raise SettingsError(
            f"HTR_SEGMENTATION is '{value['segmentation']}'; it may be auto, network or opencv."
        )
    if value["fetch_private"] not in ("yes", "no"):
        raise SettingsError(
            f"HTR_FETCH_PRIVATE is '{value['fetch_private']}'; it may be yes or no."
        )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = (
        min(8, cores or 1)
        if value["threads"] == "auto"
        else _whole_number("HTR_THREADS", value["threads"], 1, 256)
    )
    training_threads = (
        training_threads_of(cores or 1)
        if value["training_threads"] == "auto"
        else _whole_number("HTR_TRAINING_THREADS", value["training_threads"], 1, 256)
    )
    return Settings(
        data_dir=Path(value["data_dir"]).expanduser().resolve(),
        host=value["host"],
        port=_whole_number("HTR_PORT", value["port"], 0, 65535),
        device=device,
        max_upload_mb=_whole_number("HTR_MAX_UPLOAD_MB", value["max_upload_mb"], 1, 100_000),
        max_import_mb=_whole_number("HTR_MAX_IMPORT_MB", value["max_import_mb"], 1, 10_000_000),
        fetch_private=value["fetch_private"] == "yes",
        threads=threads,
        training_threads=training_threads,
        segmentation=value["segmentation"],
        author=value["author"] or _login_name(),
        mcp=_switch("HTR_MCP", value["mcp"]),
        users=_users(value["users"]),
    )


def training_threads_of(cores: int) -> int:
    """Return the threads that teaching takes by itself on a computer of so many cores.

    One core is left to the app. Of two cores both are taken, because on one alone it would take
    twice as long; the process gives way to the app's by its low priority.
    """
    return min(16, cores) if cores <= 2 else min(16, cores - 1)


def settings_table() -> list[tuple[str, str, str]]:
    """Return (variable, default, meaning) of every setting, in the order of the README."""
    return [
        (f.metadata["variable"], f.metadata["default"], f.metadata["meaning"])
        for f in fields(_Variables)
    ]


def settings_help() -> str:
    """Return the table of settings as plain text for a terminal of 88 columns."""
    rows = []
    for variable, default, meaning in settings_table():
        head = f"  {variable:<20}"
        text = f"{meaning} (default: {default or 'empty'})"
        rows.append(textwrap.fill(text, 88, initial_indent=head, subsequent_indent=" " * 22))
    return "\n".join(rows)


def _whole_number(variable: str, text: str, low: int, high: int) -> int:
    if not text.isdigit() or not low <= int(text) <= high:
        raise SettingsError(
            f"{variable} is '{text}'; it must be a whole number from {low} to {high}."
        )
    return int(text)


def _switch(variable: str, text: str) -> bool:
    if text.lower() not in ("on", "off"):
        raise SettingsError(f"{variable} is '{text}'; it may be on or off.")
    if text.lower() == "on" and importlib.util.find_spec("mcp") is None:
        raise SettingsError(
            f"{variable} is on, but the package mcp is not installed. Install it by: "
            "pip install -r requirements-mcp.txt"
        )
    return text.lower() == "on"


def _users(text: str) -> dict[str, str]:
    users: dict[str, str] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, colon, password = entry.partition(":")
        if not (name and colon and password):
            raise SettingsError(
                "HTR_USERS must be name:password pairs separated by commas; "
                f"the entry number {len(users) + 1} has no name or no password."
            )
        users[name] = password
    return users


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "transcriber"
