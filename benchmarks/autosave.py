"""Autosave under load: how long a save takes, and whether the database has what was acknowledged.

The app runs in a process of its own over a fresh data folder. Editors type at once, each on lines
of their own, over connections that stay open, as browsers do. First at the pace of people, which
gives the times that a person sees; then as fast as the app answers, until the number of saves is
reached. At the end the database is compared with every acknowledgement: none lost, none twice, none
out of order, each the child of the one before.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import sqlite3
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import storage
from benchmarks.app_process import free_port, start_app
from synthesis.example import encode_png
from synthesis.page import draw_page
from synthesis.settings import PageSettings

LINES_OF_EDITOR = 10
SETTLE_S = 15  # the app loads its model meanwhile, as it does once after each start


@dataclass
class Editor:
    """One person with a connection: what was acknowledged by line, and how long each save took."""

    page: int
    lines: list[int]
    acknowledged: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    times_s: list[float] = field(default_factory=list)
    trouble: str = ""


def main() -> int:
    """Run the load, print the figures and what the database says; 1 where it contradicts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--editors", type=int, default=20)
    parser.add_argument("--saves", type=int, default=100_000, help="in all, at full speed")
    parser.add_argument("--pace", type=float, default=60.0, help="seconds at the pace of people")
    parser.add_argument(
        "--pause", type=float, default=1.0, help="seconds between saves of a person"
    )
    parser.add_argument("--out", type=Path, help="folder for the figures as JSON")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        editors = _prepare(data_dir, asked.editors)
        port = free_port()
        app = start_app(data_dir, port, Path(folder) / "app.log")
        try:
            component = _component(port)
            time.sleep(SETTLE_S)
            paced = _run(editors, port, component, asked.pace, asked.pause, None)
            fast = _run(editors, port, component, None, 0.0, asked.saves)
        finally:
            app.terminate()
            app.wait(30)
        wrong = _contradictions(data_dir, editors)
    figures = {"paced": paced, "fast": fast, "contradictions": wrong}
    print(_table(asked, figures))
    if asked.out:
        asked.out.mkdir(parents=True, exist_ok=True)
        (asked.out / "autosave.json").write_text(json.dumps(figures, indent=1))
    trouble = [editor.trouble for editor in editors if editor.trouble]
    for words in [*trouble, *wrong[:10]]:
        print(words)
    return 1 if wrong or trouble else 0


def _prepare(data_dir: Path, editors: int) -> list[Editor]:
    """Return the editors, each with lines of a page of their own in a fresh data folder."""
    drawn = draw_page(7, settings=PageSettings(width_px=900, height_px=700, line_count=6))
    image = encode_png(drawn.pixels)
    found = []
    with storage.open_store(data_dir) as store:
        document = storage.add_document(store, "load")
        for number in range(editors):
            page = storage.add_page(store, document.id, f"{number}", image, "png", 900, 700)
            new = [
                storage.NewLine(((10.0, 20.0 + 30 * row), (800.0, 20.0 + 30 * row)), (), 30.0)
                for row in range(LINES_OF_EDITOR)
            ]
            lines = storage.replace_lines(store, page.id, new, None)
            found.append(Editor(page.id, lines))
    return found


def _component(port: int) -> int:
    """Return the number of the desk's component, which every browser is told."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/config", timeout=20) as answer:
        config = json.load(answer)
    for component in config["components"]:
        if "save_line" in str(component["props"].get("server_fns", "")):
            return int(component["id"])
    raise SystemExit("The app has no component that saves lines.")


def _run(
    editors: list[Editor],
    port: int,
    component: int,
    limit_s: float | None,
    pause_s: float,
    saves: int | None,
) -> dict[str, float]:
    """Let all editors type until the time is over or their saves are done; return the figures."""
    before = [len(editor.times_s) for editor in editors]
    each = None if saves is None else -(-saves // len(editors))
    threads = [
        threading.Thread(target=_type, args=(n, editor, port, component, limit_s, pause_s, each))
        for n, editor in enumerate(editors)
    ]
    started_s = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took_s = time.perf_counter() - started_s
    pairs = zip(editors, before, strict=True)
    times = sorted(time_s for editor, done in pairs for time_s in editor.times_s[done:])
    at = [times[min(len(times) - 1, int(share * len(times)))] * 1000 for share in (0.5, 0.95, 0.99)]
    return {
        "saves": len(times), "seconds": round(took_s, 1),
        "saves_a_second": round(len(times) / took_s),
        "p50_ms": round(at[0], 2), "p95_ms": round(at[1], 2), "p99_ms": round(at[2], 2),
        "longest_ms": round(times[-1] * 1000, 1),
    }  # fmt: skip


def _type(
    number: int,
    editor: Editor,
    port: int,
    component: int,
    limit_s: float | None,
    pause_s: float,
    saves: int | None,
) -> None:
    """Open the page and save again and again, each text once; the next line after ten saves.

    As the desk does it. Only the saves are timed.
    """
    chance = random.Random(number)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.connect()
    end_s = time.perf_counter() + limit_s if limit_s is not None else float("inf")
    _ask(connection, number, component, "open_page", {"page": editor.page})
    time.sleep(chance.random() * pause_s)  # people do not begin all at once
    done = 0
    while (saves is None or done < saves) and time.perf_counter() < end_s:
        line = editor.lines[done // 10 % len(editor.lines)]
        history = editor.acknowledged.setdefault(line, [])
        text = f"editor {number} line {line} text {len(history)} de la main du greffier"
        parent = history[-1][0] if history else None
        argument = {"line": line, "text": text, "status": "corrected", "parent": parent}
        began_s = time.perf_counter()
        answer = _ask(connection, number, component, "save_line", argument)
        editor.times_s.append(time.perf_counter() - began_s)
        if "revision" not in answer:
            editor.trouble = f"Editor {number}: {answer}"
            return
        history.append((answer["revision"], text))
        done += 1
        if pause_s:
            time.sleep(pause_s * (0.5 + chance.random()))
    connection.close()


def _ask(
    connection: http.client.HTTPConnection,
    number: int,
    component: int,
    function: str,
    argument: dict[str, Any],
) -> dict[str, Any]:
    """Return what the app answers to the tab of an editor."""
    body = {
        "data": argument,
        "session_hash": f"load{number}",
        "component_id": component,
        "fn_name": function,
    }
    kind = {"Content-Type": "application/json"}
    connection.request("POST", "/gradio_api/component_server", json.dumps(body), kind)
    answer: dict[str, Any] = json.loads(connection.getresponse().read())
    return answer


def _contradictions(data_dir: Path, editors: list[Editor]) -> list[str]:
    """Return what the database says otherwise than it had acknowledged."""
    wrong = []
    with sqlite3.connect(data_dir / storage.store.DATABASE_NAME) as db:
        for editor in editors:
            for line, acknowledged in editor.acknowledged.items():
                rows = db.execute(
                    "SELECT id, text, parent_id FROM revision WHERE line_id = ? ORDER BY id",
                    (line,),
                ).fetchall()
                if [(number, text) for number, text, _ in rows] != acknowledged:
                    told = f"{len(acknowledged)} acknowledged, {len(rows)} there"
                    wrong.append(f"Line {line}: {told}, or in another order.")
                parents = [None, *(number for number, _, _ in rows)][: len(rows)]
                if [parent for _, _, parent in rows] != parents:
                    wrong.append(f"Line {line}: the chain of its revisions is broken.")
    return wrong


def _table(asked: argparse.Namespace, figures: dict) -> str:
    rows = [f"{asked.editors} editors; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", ""]
    rows.append("| | saves | saves/s | p50 ms | p95 ms | p99 ms | longest ms |")
    rows.append("|---|---|---|---|---|---|---|")
    names = {"paced": f"a save every {asked.pause:g} s each", "fast": "as fast as it answers"}
    for key, words in names.items():
        one = figures[key]
        cells = [one[name] for name in ("saves", "saves_a_second", "p50_ms", "p95_ms", "p99_ms")]
        rows.append(f"| {words} | {' | '.join(map(str, cells))} | {one['longest_ms']} |")
    wrong = len(figures["contradictions"])
    rows += ["", f"Lines on which the database contradicts what it acknowledged: {wrong}"]
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
