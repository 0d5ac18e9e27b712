"""The scripts and styles of the screens, read from the files beside this module."""

from __future__ import annotations

from pathlib import Path

STATIC = Path(__file__).parent / "static"


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
    scripts = static_text("shell.js", "queue.js", "upload.js", "imports.js", "export.js")
    return f"<style>{styles}</style>\n<script>{scripts}</script>"
