"""Types of lines and regions, in the words of files -> the kinds that storage knows."""

from __future__ import annotations

# Types of lines and regions in the words of SegmOnto, Transkribus and PAGE -> kinds of storage.
_KINDS = {
    "heading": "heading", "headingline": "heading", "title": "heading", "titlepagezone": "heading",
    "marginalia": "margin", "margin": "margin", "margintextzone": "margin",
    "leftmargin": "margin", "rightmargin": "margin", "marginal": "margin",
    "interlinear": "interlinear", "interlinearline": "interlinear", "interline": "interlinear",
    "text": "text", "default": "text", "defaultline": "text", "paragraph": "text", "": "text",
    "aside": "aside",  # as this program itself calls lines that are kept but not read
}  # fmt: skip


def stored_kind(line_kind: str, region_kind: str = "") -> str:
    """Return the kind of storage for the type of a line, else of its region; "text" for others."""
    for name in (line_kind, region_kind):
        kind = _KINDS.get(name.partition(":")[0].strip().lower().replace("_", ""), "text")
        if kind != "text":
            return kind
    return "text"
