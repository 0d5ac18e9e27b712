"""The sentences of the screens, as the catalogues name them: {0}, {1} are the values in them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import lxml.html

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "ui" / "static"
SPOKEN = ("title", "aria-label", "placeholder", "alt")
# Whoever sees what these modules say has a terminal, or the log of the server, before them.
FOR_TERMINALS = re.compile(
    r"_command\.py|/batch|/services/settings\.py|/terminal\.py|/schema\.py|/api\.py"
    r"|/storage/(store|backup)\.py|/page_lines\.py"
)


@cache
def in_scripts() -> set[str]:
    """Return what is tagged t`...` in the scripts, and in those that stand in Python."""
    sources = [*STATIC.rglob("*.js"), ROOT / "ui" / "app_page.py"]
    found = set()
    for path in sources:
        source = re.sub(r"^\s*//.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        found |= {_key(text) for text in _tagged(source)}
    return found


@cache
def in_pages() -> set[str]:
    """Return what stands in the HTML of the places: an element's own words are one sentence."""
    found = set()
    for path in STATIC.rglob("*.html"):
        for element in lxml.html.fromstring(path.read_text(encoding="utf-8")).iter():
            if element.tag == "code":  # is typed as it stands, in any language
                continue
            found |= {element.get(name) for name in SPOKEN if element.get(name)}
            own = [element.text, *(child.tail for child in element)]
            if not re.search(r"[^\W\d_]{2}", "".join(part or "" for part in own)):
                continue
            pieces = [own[0] or ""]
            for number, tail in enumerate(own[1:]):
                pieces += [f"{{{number}}}", tail or ""]
            found.add(_key("".join(pieces)))
    not_words = {"English", "Français", "Deutsch"}  # named in their own language
    return {text for text in found if re.search(r"[^\W\d_]{2}", text)} - not_words


@cache
def raised_by_server() -> set[str]:
    """Return the sentences of the errors that the packages behind the screens raise themselves."""
    found = set()
    for path, tree in _modules("ui", "services", "storage"):
        if FOR_TERMINALS.search(path.as_posix()):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                sentence = _text(node.exc.args[0])
                if sentence and re.search(r"[a-z] [a-z]", sentence):
                    found.add(sentence)
    return found


@cache
def anywhere_in_server() -> set[str]:
    """Return all texts of the server's code, and the pieces that they are put together from."""
    packages = ("ui", "services", "storage", "training", "exchange", "segmentation", "htr")
    texts = (_text(node) for _, tree in _modules(*packages) for node in ast.walk(tree))
    return {text.strip() for text in texts if text}


@cache
def _modules(*packages: str) -> list[tuple[Path, ast.Module]]:
    paths = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def _text(node: ast.AST) -> str | None:
    """Return a text with its values as {0}, {1}, and choices between two words as [one|other]."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return None
    pieces, values = [], 0
    for part in node.values:
        if isinstance(part, ast.Constant):
            pieces.append(part.value)
        elif isinstance(part, ast.FormattedValue):
            choice = part.value
            if isinstance(choice, ast.IfExp) and all(
                isinstance(one, ast.Constant) for one in (choice.body, choice.orelse)
            ):
                pieces.append(f"[{choice.body.value}|{choice.orelse.value}]")  # type: ignore[attr-defined]
            else:
                pieces.append(f"{{{values}}}")
                values += 1
    return "".join(pieces)


def _key(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _tagged(source: str) -> Iterator[str]:
    """Yield the text of each t`...`, also of those within the values of others."""
    for start in re.finditer(r"(?<![\w.$])t`", source):
        text, at, values = "", start.end(), 0
        while source[at] != "`":
            if source.startswith("${", at):
                text += f"{{{values}}}"
                values += 1
                at = _end_of_value(source, at + 2)
            elif source[at] == "\\":
                end = at + (6 if source[at + 1] == "u" else 2)
                text += ast.literal_eval(f'"{source[at:end]}"')
                at = end
            else:
                text += source[at]
                at += 1
        yield text


def _end_of_value(source: str, at: int) -> int:
    """Return the place behind the bracket that ends a ${value}."""
    depth = 1
    while depth:
        if source[at] in "\"'":
            at = source.index(source[at], at + 1)
        elif source[at] == "`":
            at += 1
            while source[at] != "`":
                at = _end_of_value(source, at + 2) if source.startswith("${", at) else at + 1
        depth += {"{": 1, "}": -1}.get(source[at], 0)
        at += 1
    return at
