"""The app in a process of its own, for benchmarks that ask it as browsers do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
START_LIMIT_S = 90


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def start_app(data_dir: Path, port: int, log: Path) -> subprocess.Popen:
    """Return the app's process once it answers; it serves `data_dir`.

    Raises SystemExit with what the app said where it does not start.
    """
    environment = {**os.environ, "HTR_DATA_DIR": str(data_dir), "HTR_PORT": str(port)}
    with log.open("w") as out:
        app = subprocess.Popen(
            [sys.executable, "app.py"], cwd=REPOSITORY, env=environment, stdout=out, stderr=out
        )
    limit = time.monotonic() + START_LIMIT_S
    while time.monotonic() < limit:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
            return app
        except OSError:
            if app.poll() is not None:
                break
            time.sleep(0.2)
    app.kill()
    raise SystemExit(f"The app did not start:\n{log.read_text()}")
