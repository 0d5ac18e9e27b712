"""Finds a Chromium for the browser tests, or installs one: Debian's package, else Playwright's.

Says loudly where there is none; then the browser tests are skipped, and CI fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

INSTALL_LIMIT_S = 600


def installed_chromium() -> str | None:
    """Return the path of a Chromium that is installed on this machine, or None."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return path
    return None


def playwrights_chromium() -> str | None:
    """Return the path of the Chromium that Playwright downloaded, or None."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if path and os.path.exists(path) else None


def chromium() -> str | None:
    """Return the path of a Chromium to test with, or None."""
    return installed_chromium() or playwrights_chromium()


def _succeeds(*command: str) -> bool:
    try:
        done = subprocess.run(command, timeout=INSTALL_LIMIT_S, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def main() -> int:
    """Install a Chromium where there is none; return 1 where CI is left without."""
    if chromium():
        return 0
    if shutil.which("apt-get") and os.geteuid() == 0:
        _succeeds("apt-get", "update", "-qq")
        _succeeds("apt-get", "install", "-y", "-qq", "chromium", "fonts-dejavu-core")
    if not chromium():
        _succeeds(sys.executable, "-m", "playwright", "install", "chromium")
    if chromium():
        return 0
    print("\n*** No Chromium: THE BROWSER TESTS WILL BE SKIPPED. Install chromium. ***\n")
    return 1 if os.environ.get("CI") else 0


if __name__ == "__main__":
    sys.exit(main())
