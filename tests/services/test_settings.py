"""Settings come from the environment, checked, and are described in one place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from services.settings import SettingsError, read_settings, settings_table
from tests.conftest import REPOSITORY


def readme_table() -> list[str]:
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for variable, default, meaning in settings_table():
        rows.append(f"| `{variable}` | {f'`{default}`' if default else ''} | {meaning} |")
    return rows


def test_defaults_are_used_where_nothing_is_set() -> None:
    settings = read_settings({})
    assert (settings.host, settings.port, settings.device) == ("127.0.0.1", 7860, "auto")
    assert settings.data_dir == Path("data").resolve()
    assert settings.max_upload_mb == 200
    assert settings.users == {}


def test_environment_is_read() -> None:
    settings = read_settings(
        {
            "HTR_DATA_DIR": "/srv/htr",
            "HTR_PORT": "8080",
            "HTR_DEVICE": "CUDA:1",
            "HTR_THREADS": "3",
            "HTR_USERS": "ada:a:b, ben:c",
            "HTR_AUTHOR": "Ada",
        }
    )
    assert settings.data_dir == Path("/srv/htr")
    assert (settings.port, settings.device, settings.threads) == (8080, "cuda:1", 3)
    assert settings.users == {"ada": "a:b", "ben": "c"}
    assert settings.author == "Ada"


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("HTR_PORT", "http", "HTR_PORT is 'http'; it must be a whole number from 0 to 65535."),
        ("HTR_PORT", "70000", "HTR_PORT is '70000'"),
        ("HTR_DEVICE", "gpu", "HTR_DEVICE is 'gpu'; it may be auto, cpu, cuda or cuda:N."),
        ("HTR_MAX_UPLOAD_MB", "-1", "HTR_MAX_UPLOAD_MB is '-1'"),
        ("HTR_SEGMENTATION", "magic", "it may be auto, network or opencv"),
        ("HTR_USERS", "ada", "entry number 1 has no name or no password"),
    ],
)
def test_unusable_setting_is_named_with_what_it_may_be(
    variable: str, value: str, words: str
) -> None:
    with pytest.raises(SettingsError, match=words.replace(".", r"\.")):
        read_settings({variable: value})


def test_password_is_not_repeated_in_the_error() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"HTR_USERS": "ada:fine,:secret"})
    assert "secret" not in str(caught.value)


def test_readme_lists_every_setting_as_the_code_describes_it() -> None:
    assert "\n".join(readme_table()) in (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_help_lists_every_setting() -> None:
    shown = subprocess.run(
        [sys.executable, "app.py", "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for variable, _, _ in settings_table():
        assert variable in shown


def test_wrong_setting_ends_the_start_with_its_message() -> None:
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        env={"HTR_PORT": "none", "PATH": ""},
    )
    assert done.returncode == 2
    assert done.stderr == "HTR_PORT is 'none'; it must be a whole number from 0 to 65535.\n"
