"""The app in a process of its own, and a real Chromium in front of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.setup_browser import chromium
from tests.conftest import REPOSITORY

START_LIMIT_S = 240  # a busy computer takes its time to load the libraries
WAIT_MS = 20_000  # for what a screen is to show; a busy computer takes its time
ARTEFACTS = REPOSITORY / "test-artefacts"


class Server:
    """The app over one data folder; it can be killed and started again at the same address."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.data_dir = data_dir
        self.log = data_dir.parent / f"{data_dir.name}.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.environment = environment
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        settings = {"HTR_DATA_DIR": str(self.data_dir), "HTR_PORT": str(self.port)}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "app.py"],
                cwd=REPOSITORY,
                env={**os.environ, "HTR_AUTHOR": "tester", **settings, **self.environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        limit = time.monotonic() + START_LIMIT_S
        while time.monotonic() < limit:
            try:
                with urllib.request.urlopen(self.address, timeout=5):
                    return
            except urllib.error.HTTPError:
                return  # it answers, if only to ask for a password
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.1)
        self.kill()  # no fixture will end what never came up
        raise AssertionError(f"the app did not start:\n{self.log.read_text()}")

    def start_if_down(self) -> None:
        """Start it where a test that failed halfway has left it killed."""
        if self.process is None or self.process.poll() is not None:
            self.start()

    def kill(self) -> None:
        """End the process as a power cut would."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One app for all tests; what a test adds is in a document of its own."""
    app = Server(tmp_path_factory.mktemp("app") / "data")
    app.start()
    yield app
    app.kill()


@pytest.fixture
def empty_server(tmp_path: Path) -> Iterator[Server]:
    """An app whose library is empty, for one test."""
    app = Server(tmp_path / "data")
    app.start()
    yield app
    app.kill()


def open_app(page, server: Server) -> None:
    """Open the library and wait until its scripts run."""
    page.goto(server.address)
    page.locator(".rail .icon").first.wait_for()


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """A headless Chromium; the test is skipped, and CI fails in the set-up, without one."""
    path = chromium()
    if path is None:
        pytest.skip("THERE IS NO CHROMIUM: the browser tests are skipped")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield chrome
        chrome.close()


@pytest.fixture
def tab(browser, server: Server, request: pytest.FixtureRequest) -> Iterator:
    """A fresh browser's tab; anything the page logs as an error fails the test."""
    server.start_if_down()
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    open_app(page, server)
    yield page
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{request.node.name}.png")
    context.close()
    assert errors == []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots-to", help="folder for the README's pictures")
