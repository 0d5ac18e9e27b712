"""kill -9 at any moment of an upload or a save loses nothing that was acknowledged."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from storage import (
    Store,
    documents,
    layout_history,
    layout_steps,
    line_text,
    open_store,
    page_image,
    pages_of,
    remove_orphans,
    requeue_interrupted,
    revisions_of,
)
from storage import page as page_by_number
from storage.files import sha256_of

REPOSITORY = Path(__file__).resolve().parents[2]
CHILD = Path(__file__).with_name("kill_child.py")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")


@contextmanager
def child_program() -> Iterator[tuple[IO[str], IO[str]]]:
    """Run kill_child.py; returns its input and output."""
    process = subprocess.Popen(
        [sys.executable, str(CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert process.stdin is not None and process.stdout is not None
    with process:
        yield process.stdin, process.stdout
        process.stdin.close()
    assert process.returncode == 0


def start(
    program: tuple[IO[str], IO[str]],
    data_dir: Path,
    acknowledged: Path,
    seed: int,
    kill_at: int | None,
) -> int:
    """Start a copy of the child; returns its process number."""
    requests, answers = program
    requests.write(json.dumps([str(data_dir), str(acknowledged), seed, kill_at]) + "\n")
    requests.flush()
    return int(answers.readline())


def kill_in_the_middle(
    program: tuple[IO[str], IO[str]], data_dir: Path, acknowledged: Path, chance: random.Random
) -> None:
    """Let the child work for a moment and kill it at once, with no chance to tidy up."""
    _, answers = program
    child = start(program, data_dir, acknowledged, chance.randrange(10**9), None)
    size_before = acknowledged.stat().st_size if acknowledged.exists() else 0
    if chance.random() < 0.8:  # else it is killed while it starts, opens or migrates
        deadline = time.monotonic() + 30
        while not acknowledged.exists() or acknowledged.stat().st_size == size_before:
            assert time.monotonic() < deadline, "the child has done nothing in 30 s"
            time.sleep(0.001)
    time.sleep(chance.random() * 0.08)
    os.kill(child, signal.SIGKILL)
    assert int(answers.readline()) == signal.SIGKILL


def check_promises(store: Store, promises: list[dict]) -> None:
    """Everything acknowledged is there, and the newest acknowledged text is not older than seen."""
    newest: dict[int, int] = {}
    for promise in promises:
        if "sha256" in promise:
            page = page_by_number(store, promise["page_id"])
            assert page.sha256 == promise["sha256"]
            assert len(page_image(store, page)) > 0  # compares the content with the SHA-256
        if "change_id" in promise:
            history = {one.id: one for one in layout_history(store, promise["page_id"])}
            step = history[promise["change_id"]]
            hidden = line_text(store, promise["hidden"]).line.removed is not None
            later = [one for one in history.values() if one.undoes_id == step.id]
            assert hidden != bool(later)
        for line_id in promise.get("line_ids", ()):
            assert line_text(store, line_id).line.id == line_id
        if "text" in promise:
            newest[promise["line_id"]] = promise["revision_id"]
            history = {one.id: one for one in revisions_of(store, promise["line_id"])}
            assert history[promise["revision_id"]].text == promise["text"]
    for line_id, revision_id in newest.items():
        shown = line_text(store, line_id)
        assert shown.revision is not None and shown.revision.id >= revision_id


def check_whole(store: Store) -> None:
    """The database is sound, every row has its file, and no file is half written."""
    assert store.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert store.db.execute("PRAGMA foreign_key_check").fetchall() == []
    for summary in documents(store):
        for one in pages_of(store, summary.document.id):
            assert page_image(store, one.page)
            check_layout(store, one.page.id)
    for path in (store.data_dir / "images").glob("*/*"):
        assert (sha256_of(path.read_bytes()), path.suffix) == (path.stem, ".jpg")
    requeue_interrupted(store, "read")
    remove_orphans(store, older_than_s=-60)  # nobody else is writing: also the youngest
    assert list((store.data_dir / "tmp").iterdir()) == []
    named = {row[0] for row in store.db.execute("SELECT sha256 FROM page")}
    stored = {path.stem for path in (store.data_dir / "images").glob("*/*")}
    assert stored == named


def check_layout(store: Store, page_id: int) -> None:
    """The lines are as the history of the page says, change by change."""
    state: dict[tuple[int, str], object] = {}
    for change in layout_history(store, page_id):
        for line in change.lines:
            state |= {(line.line_id, name): value for name, value in line.after.items()}
    for (line_id, name), value in state.items():
        if name == "removed":
            assert (line_text(store, line_id).line.removed is not None) == value
    layout_steps(store, page_id)  # refuses a history that does not fit together


def promises_in(acknowledged: Path) -> list[dict]:
    lines = acknowledged.read_text().splitlines() if acknowledged.exists() else []
    return [json.loads(line) for line in lines]


def kill_at_each_step(tmp_path: Path, stride: int) -> int:
    """Kill the child at every `stride`th line that storage executes; returns the lines tried.

    Each round opens a folder, uploads one page, and corrects its lines; the last runs to its end.
    """
    status, kill_at = signal.SIGKILL, 1
    with child_program() as program:
        while status == signal.SIGKILL:
            # Two rounds a folder: one that makes it, one that finds what the other left.
            folder = tmp_path / str(kill_at // (2 * stride))
            data_dir, acknowledged = folder / "data", folder.with_suffix(".txt")
            start(program, data_dir, acknowledged, 7, kill_at)
            status = int(program[1].readline())
            with open_store(data_dir) as store:
                check_whole(store)
                check_promises(store, promises_in(acknowledged))
            kill_at += stride
    assert status == 0
    return kill_at // stride


def kill_many_times(tmp_path: Path, rounds: int, seed: int) -> int:
    """Kill the child `rounds` times; returns how many promises were checked.

    Four rounds in five wait for a promise before they kill; how many more come in between is for
    the machine to say.
    """
    chance = random.Random(seed)
    checked = 0
    data_dir, acknowledged = tmp_path / "0" / "data", tmp_path / "0.txt"
    with child_program() as program:
        for number in range(rounds):
            if number % 10 == 0:  # a fresh folder now and then, so that new ones are hit as well
                data_dir, acknowledged = tmp_path / str(number) / "data", tmp_path / f"{number}.txt"
                already = 0
            kill_in_the_middle(program, data_dir, acknowledged, chance)
            promises = promises_in(acknowledged)
            with open_store(data_dir) as store:
                check_whole(store)
                check_promises(store, promises[already:])
                if number % 10 == 9 or number == rounds - 1:  # the early promises still hold
                    check_promises(store, promises)
            checked += len(promises) - already
            already = len(promises)
    return checked


def test_kill_at_any_moment_loses_nothing_acknowledged(tmp_path: Path) -> None:
    assert kill_many_times(tmp_path, rounds=25, seed=1) > 12


def test_kill_at_many_steps_of_the_code_loses_nothing_acknowledged(tmp_path: Path) -> None:
    assert kill_at_each_step(tmp_path, stride=97) > 15


@pytest.mark.slow
def test_kill_at_every_third_step_of_the_code_loses_nothing_acknowledged(tmp_path: Path) -> None:
    assert kill_at_each_step(tmp_path, stride=3) > 600


@pytest.mark.slow
def test_kill_200_times_loses_nothing_acknowledged(tmp_path: Path) -> None:
    assert kill_many_times(tmp_path, rounds=200, seed=int(time.time())) > 100
