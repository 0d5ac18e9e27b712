"""Keystrokes of a session that corrects thirty lines, on the desk and in eScriptorium's editor.

The model in the box reads lines whose text is known. On the desk the session is played in Chromium,
key by key, and the database must hold the known texts at its end; choices for doubtful characters
are used where that takes fewer keys. eScriptorium's session is counted by its key bindings (Enter
saves the line and goes to the next one; the rest is that of any text field), with the caret where
it suits best at the start of a line. Both move and delete on the shortest way by arrows, Home and
End; a key held with Ctrl or Alt counts as two.
"""

from __future__ import annotations

import argparse
import heapq
import json
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np

import storage
from benchmarks.app_process import free_port, start_app
from htr.lines_data import open_line_set
from htr.metrics import line_errors
from htr.recognizer import Recognizer, Transcript
from htr.shipped import default_model_path
from services.services import CROP_HEIGHT_PX
from synthesis.example import encode_png

LINES = 30
MOST_WRONG = 0.3  # CER of a line: above it, people write the line anew
DOUBT_BELOW = 0.5  # the desk's own limit, unless its reader chooses another
Keys = list[str]


@dataclass(frozen=True)
class Task:
    """A line image, what it says, and what the machine read on it."""

    image: np.ndarray
    text: str
    read: Transcript


def main() -> int:
    """Play and count the session; 1 where the database does not hold the known texts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lines", type=Path, help="labelled lines: zip or folder")
    parser.add_argument("--chromium", default=shutil.which("chromium") or "")
    parser.add_argument("--out", type=Path, help="folder for the figures as JSON")
    asked = parser.parse_args()
    tasks = find_tasks(asked.lines)
    ours = [keys_on_the_desk(task) for task in tasks]
    rivals = [keys_in_a_field(task.read.text, task.text) for task in tasks]
    seconds, wrong = play(tasks, ours, asked.chromium)
    errors = sum(line_errors(task.text, task.read.text).character_edits for task in tasks)
    figures = {
        "lines": len(tasks),
        "errors": errors,
        "characters": sum(len(task.text) for task in tasks),
        "desk": sum(count(keys) for keys in ours),
        "escriptorium": sum(count(keys) for keys in rivals),
        "desk_seconds": round(seconds, 1),
        "wrong": wrong,
    }
    print(json.dumps(figures, indent=1))
    if asked.out:
        asked.out.mkdir(parents=True, exist_ok=True)
        (asked.out / "keystrokes.json").write_text(json.dumps(figures, indent=1))
    return 1 if wrong else 0


def find_tasks(path: Path) -> list[Task]:
    """Return the first lines of the set that are worth correcting as the model in the box reads."""
    recognizer = Recognizer.load(default_model_path(), device="cpu", threads=1)
    tasks: list[Task] = []
    with open_line_set(path) as lines:
        for first in range(0, len(lines.lines), 40):
            chosen = lines.lines[first : first + 40]
            images = [lines.image(line) for line in chosen]
            for line, image, read in zip(chosen, images, recognizer.recognize(images), strict=True):
                errors = line_errors(line.text, read.text)
                wrong, length = errors.character_edits, errors.characters
                text = storage.clean_text(line.text).strip()
                if text == line.text and length and wrong / length <= MOST_WRONG:
                    tasks.append(Task(image, line.text, read))
                if len(tasks) == LINES:
                    return tasks
    return tasks


def count(keys: Keys) -> int:
    """Return how many keys are pressed: a chord has as many as it holds."""
    return sum(len(key.split("+")) if len(key) > 1 else 1 for key in keys)


def keys_in_a_field(text: str, wanted: str) -> Keys:
    """Return the keys that turn one text into the other in a text field, and Enter."""
    ways = [edit_keys(text, wanted, start, {}) for start in (0, len(text))]
    return [*min(ways, key=count), "Enter"]


def keys_on_the_desk(task: Task) -> Keys:
    """Return the keys that correct the line on the desk, and Enter.

    Tab goes to the next doubtful character and selects it; a digit picks one of its choices, after
    which the next doubtful one is selected.
    """
    doubts: dict[int, list[str]] = {}
    start = 0
    for one in task.read.characters:
        if one.confidence < DOUBT_BELOW:
            doubts[start] = [text for text, _ in one.others]
        start += len(one.text)
    return [*edit_keys(task.read.text, task.text, 0, doubts), "Enter"]


def edit_keys(text: str, wanted: str, caret: int, doubts: dict[int, list[str]]) -> Keys:
    """Return the keys that turn one text into the other, difference by difference from the left.

    doubts: offsets of doubtful characters of `text`, with their choices; empty in other editors.
    """
    keys: Keys = []
    now, shift, chosen = text, 0, -1  # chosen: offset in `text` of the character that is selected
    matcher = SequenceMatcher(None, text, wanted, autojunk=False)
    for what, a, b, c, d in matcher.get_opcodes():
        if what == "equal":
            continue
        after = now[: a + shift] + wanted[c:d] + now[b + shift :]
        plain = plain_keys(now, caret, chosen, a + shift, b + shift, wanted[c:d], shift)
        best, then = plain, -1
        between = [n for n in sorted(doubts) if caret <= n + shift and n <= a]
        if a in doubts and b > a and (chosen == a or between):
            tabs = [] if chosen == a else ["Tab"] * len(between)
            by_typing = [*tabs, *(wanted[c:d] or ["Delete"]), *["Delete"] * (b - a - 1)]
            if not wanted[c:d][:1].isdigit() and count(by_typing) < count(best):
                best, then = by_typing, -1
            if b - a == 1 and wanted[c:d] in doubts[a]:
                by_digit = [*tabs, str(doubts[a].index(wanted[c:d]) + 1)]
                if count(by_digit) < count(best):
                    best, then = by_digit, min((n for n in doubts if n > a), default=-1)
        keys += best
        shift += (d - c) - (b - a)
        now, caret, chosen = after, d, then
        if chosen >= 0:
            caret = chosen + shift + 1
    return keys


def plain_keys(
    now: str, caret: int, chosen: int, start: int, end: int, put: str, shift: int
) -> Keys:
    """Return the keys that write `put` in place of now[start:end], by arrows and deleting.

    chosen: offset, less `shift`, of a character that is selected; -1: none is.
    """
    ways: list[Keys] = []
    carets: list[tuple[Keys, int]] = [([], caret)]
    if chosen >= 0:  # an arrow lets go of what is selected, at its left or right end
        carets = [(["ArrowLeft"], chosen + shift), (["ArrowRight"], chosen + shift + 1)]
    for first, at in carets:
        for goal, delete in ((start, "Delete"), (end, "Backspace")):
            ways.append([*first, *way(now, at, goal), *[delete] * (end - start), *put])
    return min(ways, key=count)


def way(text: str, start: int, end: int) -> Keys:
    """Return the fewest keys that bring the caret from one place of the text to another."""
    queue: list[tuple[int, int, Keys]] = [(0, start, [])]
    seen: set[int] = set()
    while queue:
        cost, at, keys = heapq.heappop(queue)
        if at == end:
            return keys
        if at in seen:
            continue
        seen.add(at)
        for key, place in steps_from(text, at).items():
            heapq.heappush(queue, (cost + count([key]), place, [*keys, key]))
    raise AssertionError("every place can be reached")


def steps_from(text: str, at: int) -> dict[str, int]:
    """Return where each key leads; by words only among plain words, where all systems agree."""
    steps = {"Home": 0, "End": len(text)}
    if at > 0:
        steps["ArrowLeft"] = at - 1
    if at < len(text):
        steps["ArrowRight"] = at + 1
    if all(letter.isalpha() or letter == " " for letter in text):
        back = text[:at].rstrip(" ")
        steps["Control+ArrowLeft"] = back.rfind(" ") + 1
    return steps


def play(tasks: list[Task], keys: list[Keys], chromium: str) -> tuple[float, list[str]]:
    """Return the seconds that the session took in Chromium, and what the database has wrong."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        page_id = put_page(data_dir, tasks)
        port = free_port()
        app = start_app(data_dir, port, Path(folder) / "app.log")
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=chromium or None, args=["--no-sandbox"]
                )
                tab = browser.new_page()
                tab.goto(f"http://127.0.0.1:{port}/#/page/{page_id}")
                tab.locator(".row.current .field.placed textarea:focus").wait_for(timeout=60_000)
                began = time.monotonic()
                for line in keys:
                    for key in line:
                        press(tab, key)
                tab.locator('.saved-mark[data-state="saved"]').wait_for(timeout=60_000)
                seconds = time.monotonic() - began
                browser.close()
        finally:
            app.terminate()
            app.wait(30)
        with storage.open_store(data_dir) as store:
            texts = [line.text for line in storage.lines_of(store, page_id)]
    pairs = zip(texts, tasks, strict=True)
    return seconds, [f"{text!r} is not {task.text!r}" for text, task in pairs if text != task.text]


def press(tab: Any, key: str) -> None:
    """Press a key, or type a character that keyboards may lack."""
    if len(key) > 1 or (key.isascii() and key.isprintable()):
        tab.keyboard.press("Space" if key == " " else key)
    else:
        tab.keyboard.insert_text(key)


def put_page(data_dir: Path, tasks: list[Task]) -> int:
    """Return the number of a page with the line images below each other, as the model read them."""
    height_px = CROP_HEIGHT_PX
    width_px = max(task.image.shape[1] for task in tasks) + 2 * height_px
    page = np.full((height_px * 2 * len(tasks), width_px, 3), 255, np.uint8)
    lines = []
    for number, task in enumerate(tasks):
        image = task.image if task.image.ndim == 3 else np.repeat(task.image[..., None], 3, 2)
        image = image[: 2 * height_px]
        top, width = number * 2 * height_px, image.shape[1]
        page[top : top + len(image), height_px : height_px + width] = image
        base, spacing = top + 0.7 * len(image), len(image) / 1.16
        characters = tuple(
            storage.ReadCharacter(c.text, c.confidence, c.start_px, c.end_px, c.others)
            for c in task.read.characters
        )
        reading = storage.NewReading(task.read.text, task.read.confidence, characters, float(width))
        ends = ((float(height_px), base), (float(height_px + width), base))
        lines.append(storage.NewLine(ends, (), spacing, reading=reading))
    with storage.open_store(data_dir) as store:
        model = storage.register_model(
            store, default_model_path(), name="box", alphabet=("a",), scores={}, facts={}
        )
        storage.set_current_model(store, model.id)
        document = storage.add_document(store, "session")
        stored = storage.add_page(
            store, document.id, "1", encode_png(page), "png", width_px, len(page)
        )
        storage.replace_lines(store, stored.id, lines, model.id)
        return stored.id


if __name__ == "__main__":
    sys.exit(main())
