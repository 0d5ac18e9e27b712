"""The scripts and styles of the screens, read from the files beside this module."""

from __future__ import annotations

import json
from pathlib import Path

STATIC = Path(__file__).parent / "static"
LANGUAGES = ("fr", "de")  # beside English, in which the sentences stand where they are used


def static_text(*names: str) -> str:
    """Return the named files of ui/static, one after the other."""
    return "\n".join((STATIC / name).read_text(encoding="utf-8") for name in names)


def head_html() -> str:
    """Return what goes into the page's head: the shared styles and scripts, inline.

    Inline, since the app must work behind any proxy path and without asking twice.
    """
    styles = static_text(
        "shell.css",
        "desk/desk.css",
        "desk/line_tools.css",
        "train/train.css",
        "models/models.css",
        "search/search.css",
        "progress/progress.css",
    )
    scripts = static_text(
        "shell.js", "words.js", "queue.js", "upload.js", "imports.js", "export.js"
    )
    words = json.dumps(catalogues(), ensure_ascii=False).replace("</", "<\\/")
    return (
        f"<style>{styles}</style>\n"
        f'<script type="application/json" id="htr-words">{words}</script>\n'
        f"<script>{scripts}</script>"
    )


def catalogues() -> dict[str, dict[str, dict[str, str]]]:
    """Return the words of each language but English: sentence in English -> sentence.

    "screens" has what the screens say themselves, "server" what errors and runs say.
    """
    return {name: json.loads(static_text(f"words/{name}.json")) for name in LANGUAGES}
