"""What is written here, read by kraken's own parser, and what kraken writes, read here."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exchange import PageDocument, Region, TextLine, read_page, write_alto, write_page_xml
from tests.conftest import REPOSITORY

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
KRAKEN = REPOSITORY / ".venv-rivals" / "bin" / "python"
SCRIPT = """
import json, sys
from dataclasses import replace
from kraken import serialization
from kraken.containers import BaselineOCRRecord
from kraken.lib.xml import XMLPage
out = {}
for path in sys.argv[1:]:
    page = XMLPage(path)
    named = [name for name in page.reading_orders if name in ("order", "reading_order")]
    lines = page.get_sorted_lines(named[0] if named else "line_implicit")
    out[path] = {
        "size": page.image_size,
        "lines": [
            [line.id, line.text, line.baseline, line.boundary, line.regions] for line in lines
        ],
    }
    records = [
        BaselineOCRRecord(
            prediction=line.text, line=line, display_order=False,
            confidences=[0.5] * len(line.text),
            cuts=[(9 * at, 9 * at + 9) for at in range(len(line.text))],
        )
        for line in lines if line.text.strip()
    ]
    result = replace(page.to_container(), lines=records, line_orders=[])
    kind = "alto" if "alto" in path else "pagexml"
    text = serialization.serialize(result, image_size=page.image_size, template=kind)
    with open(path + ".kraken", "w", encoding="utf-8") as file:
        file.write(text)
print(json.dumps(out))
"""


def line(number: int, text: str, region_id: str) -> TextLine:
    down = 60.0 * number
    outline = ((10.4, down - 40), (400.0, down - 39.6), (400.0, down + 10), (10.0, down + 10))
    return TextLine(
        f"l{number}", ((10.4, down), (200.0, down + 3), (400.0, down)), outline, text, 0.5,
        region_id=region_id, kind="default",
    )  # fmt: skip


@pytest.mark.slow
def test_kraken_and_we_read_the_same_in_each_others_files(tmp_path: Path) -> None:
    if not KRAKEN.exists():
        pytest.skip("kraken is not installed; `make bench-segmentation` installs it")
    lines = (
        line(3, "drei & <vier>", "r2"),
        line(1, "one two", "r1"),
        line(4, "ünf", ""),
        line(2, "deux", "r1"),
    )
    box = ((0.0, 0.0), (500.0, 0.0), (500.0, 300.0))
    regions = (Region("r1", box, "paragraph"), Region("r2", box, "cell", "table", "r1"))
    page = PageDocument("a page.png", 500, 300, lines, regions)
    paths = {"page.xml": write_page_xml, "alto.xml": write_alto}
    for name, write in paths.items():
        (tmp_path / name).write_bytes(write(page, NOW))
    done = subprocess.run(
        [KRAKEN, "-c", SCRIPT, *(str(tmp_path / name) for name in paths)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    for path, found in json.loads(done.stdout).items():
        assert found["size"] == [500, 300]
        for shown, expected in zip(found["lines"], lines, strict=True):
            line_id, text, baseline, boundary, region_ids = shown
            assert (line_id, text) == (expected.id, expected.text)
            assert baseline == [[round(x), round(y)] for x, y in expected.baseline]
            assert boundary == [[round(x), round(y)] for x, y in expected.polygon]
            assert region_ids in ([expected.region_id], [], ["eSc_dummyblock_"])
        again = read_page(Path(path + ".kraken").read_bytes(), path)
        assert sorted(one.text for one in again.lines) == sorted(one.text for one in lines)
        assert {one.confidence for one in again.lines} == {0.5}
