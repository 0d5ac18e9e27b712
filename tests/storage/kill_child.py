"""The program that test_kill kills: it uploads and corrects as fast as it can.

For each line `[DATA_DIR, ACKNOWLEDGED, SEED, KILL_AT]` on its input it starts a copy of itself by
fork (so that a round does not pay for the imports again), prints the copy's number, and waits for
its end. The copy writes down in the file ACKNOWLEDGED what a call promised, each time after the
call returned. With KILL_AT it works on one page and kills itself at that line of storage's code.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
from pathlib import Path
from types import FrameType

import storage
from storage import (
    LineEdit,
    NewLine,
    Store,
    add_document,
    add_page,
    change_layout,
    correct_line,
    documents,
    open_store,
    pages_of,
    queue_reading,
    replace_lines,
    undo_layout,
    undo_line,
)

STORAGE = str(Path(storage.__file__).parent)


def work(data_dir: str, acknowledged: str, seed: int, kill_at: int | None) -> None:
    chance = random.Random(seed)
    log = os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def acknowledge(**what: object) -> None:
        os.write(log, (json.dumps(what) + "\n").encode())  # one write: whole or not there

    if kill_at is not None:
        die_at_line(kill_at)
    store = open_store(data_dir)
    known = documents(store)
    document_id = known[0].document.id if known else add_document(store, "Killed").id
    upload(store, document_id, chance, acknowledge)
    while kill_at is None:
        upload(store, document_id, chance, acknowledge)
    os._exit(0)


def die_at_line(number: int) -> None:
    """Kill this program just before the line of storage's code that is executed as `number`th."""
    left = number

    def trace(frame: FrameType, event: str, _: object):  # type: ignore[no-untyped-def]
        nonlocal left
        if not frame.f_code.co_filename.startswith(STORAGE):
            return None
        if event == "line":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)


def upload(store: Store, document_id: int, chance: random.Random, acknowledge) -> None:  # type: ignore[no-untyped-def]
    image = chance.randbytes(chance.randrange(1, 200_000))
    page = add_page(store, document_id, "scan.jpg", image, "jpg", 100, 100, image[:1000])
    acknowledge(page_id=page.id, sha256=hashlib.sha256(image).hexdigest())
    queue_reading(store, page.id)
    line_ids = replace_lines(store, page.id, [NewLine(((0, 1), (9, 1)), (), 5.0)] * 3, None)
    acknowledge(line_ids=line_ids)
    for line_id in line_ids:
        parent = None
        for _ in range(chance.randrange(1, 4)):
            text = f"text {chance.randrange(10**9)}"
            parent = correct_line(store, line_id, text, "corrected", "Ada", parent).id
            acknowledge(line_id=line_id, revision_id=parent, text=text)
        if chance.random() < 0.2:
            undone = undo_line(store, line_id, "Ada", parent)
            acknowledge(line_id=line_id, revision_id=undone.id, text=undone.text)
    edits = [LineEdit(line_ids[0], removed=True), LineEdit(None, ((0, 2), (9, 2)), (), 5.0)]
    drawn = change_layout(
        store, page.id, edits, "merge", "Ada", 0, {line_ids[1]: ("both", "corrected")}
    )
    assert drawn is not None
    acknowledge(page_id=page.id, change_id=drawn.id, hidden=line_ids[0])
    undone_change = undo_layout(store, page.id, "Ada", drawn.id)
    acknowledge(page_id=page.id, change_id=undone_change.id, hidden=drawn.lines[1].line_id)
    if len(pages_of(store, document_id)) > 2000:
        raise SystemExit("the test has run for too long")


def main() -> None:
    for request in sys.stdin:
        data_dir, acknowledged, seed, kill_at = json.loads(request)
        Path(data_dir).parent.mkdir(parents=True, exist_ok=True)
        child = os.fork()
        if child == 0:
            work(data_dir, acknowledged, seed, kill_at)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(status, flush=True)


if __name__ == "__main__":
    main()
