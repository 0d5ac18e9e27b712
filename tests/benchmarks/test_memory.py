"""The memory of the app is looked at while it reads pages that wait for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import storage
from benchmarks.memory import Look, look, prepare, table, watch


def test_pages_wait_to_be_read(tmp_path: Path) -> None:
    prepare(tmp_path / "data", 3, 1, 300, 120)
    with storage.open_store(tmp_path / "data") as store:
        (document,) = storage.documents(store)
        assert (document.pages, document.pages_waiting) == (3, 3)


def test_app_is_looked_at_before_and_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.memory.LOOK_S", 0.0)
    prepare(tmp_path / "data", 2, 1, 300, 120)
    with storage.open_store(tmp_path / "data") as store:
        for _ in range(2):
            run = storage.take_next_run(store, "read")
            assert run is not None
            storage.finish_run(store, run.id)
    looks = watch(tmp_path / "data", os.getpid(), 2, 5.0)
    assert [one.pages for one in looks] == [0, 2]
    assert 0 < looks[0].now_mb <= looks[-1].peak_mb
    with pytest.raises(SystemExit, match="No page was read"):
        watch(tmp_path / "data", os.getpid(), 3, 0.0)


def test_table_tells_what_a_page_took() -> None:
    rows = table([Look(0, 100.0, 110.0, 5.0), Look(10, 120.0, 130.0, 25.0)]).splitlines()
    assert rows[-2:] == ["| 0 | 100 | 110 | - |", "| 10 | 120 | 130 | 2.00 |"]


def test_own_process_is_seen() -> None:
    seen = look(os.getpid(), 1)
    assert seen.pages == 1 and seen.now_mb > 10 and seen.cpu_s > 0
