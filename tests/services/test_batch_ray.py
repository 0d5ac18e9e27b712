"""A batch on a Ray cluster of two nodes, one of which is killed midway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import cv2
import pytest

from exchange import read_page_xml
from htr.checkpoint import save_checkpoint
from services.batch import FAILURES, JOURNAL, run_batch
from services.batch_errors import BatchError
from services.batch_pages import FileResult, PageOutput
from services.batch_source import page_files
from services.batch_worker import ModelChoice
from tests.htr.tiny import ALPHABET, tiny_model
from tests.services.test_batch import drawn_page

# Ray warns of its own future at every call.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
PAGES = 24


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator:
    pytest.importorskip("ray", reason="Ray is not installed (requirements-cluster.txt)")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_worker_niceness", "0")  # else a busy machine starves the actors
    node = {"num_cpus": 1, "object_store_memory": 100 * 2**20}
    made = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    made.node = made.add_node(**node)
    yield made
    made.shutdown()


@pytest.fixture
def model(tmp_path: Path) -> ModelChoice:
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(path, tiny_model(), ALPHABET, name="tiny", created=datetime.now(UTC))
    return ModelChoice(path, "cpu", "fp32")


def test_node_that_is_killed_costs_no_page_and_none_is_there_twice(
    cluster, tmp_path: Path, model: ModelChoice
) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    scans.mkdir()
    for number in range(PAGES):
        cv2.imwrite(str(scans / f"{number:02d}.png"), drawn_page())
    (scans / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    told: list[str] = []

    def kill_a_node(result: FileResult) -> None:
        told.append(result.file)
        if len(told) == 4:
            cluster.remove_node(cluster.node, allow_graceful=False)

    totals = run_batch(
        page_files(str(scans)),
        PageOutput(out, "page", "opencv"),
        model,
        report=kill_a_node,
        ray=cluster.address,
    )
    names = [f"{number:02d}.png" for number in range(PAGES)]
    assert len(told) > 4
    assert sorted(told) == sorted([*names, "broken.jpg"])
    journal = [json.loads(row)["file"] for row in (out / JOURNAL).read_text().splitlines()]
    assert sorted(journal) == names
    failed = [json.loads(row)["file"] for row in (out / FAILURES).read_text().splitlines()]
    assert failed == ["broken.jpg"]
    assert sorted(path.name for path in out.glob("*.xml")) == [f"{name}.xml" for name in names]
    assert len(read_page_xml((out / "07.png.xml").read_bytes(), "7").lines) == 3
    assert (totals.files, totals.failures) == (PAGES + 1, 1)

    again = run_batch(
        page_files(str(scans)), PageOutput(out, "page", "opencv"), model, ray=cluster.address
    )
    assert (again.skipped, again.files) == (PAGES, 1)


def test_cluster_that_is_not_there_is_named(tmp_path: Path, model: ModelChoice) -> None:
    pytest.importorskip("ray", reason="Ray is not installed (requirements-cluster.txt)")
    cv2.imwrite(str(tmp_path / "a.png"), drawn_page())
    with pytest.raises(BatchError, match="127.0.0.1:1 cannot be reached"):
        run_batch(
            page_files(str(tmp_path / "a.png")), PageOutput(tmp_path), model, ray="127.0.0.1:1"
        )
