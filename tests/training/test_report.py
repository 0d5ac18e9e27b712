from __future__ import annotations

import json
import math
from types import SimpleNamespace

import pytest

from tests.training.corrected_lines import train_line
from training.alignment import align
from training.comparison import compare, score_lines
from training.frozen_lines import Snapshot, SnapshotFacts
from training.gate import forgetting, verdict
from training.report import build_report, report_keys
from training.report_html import report_html

TEXTS = ["la bõne lettre", "du premier mois", "au comité", "demain"]
BEFORE = ["la bone letire", "du prenier mais", "au comité", "denain"]
AFTER = ["la bõne lettre", "du premier mais", "au comite", "denain"]
PNG = b"\x89PNG\r\n\x1a\n1234"


def a_snapshot(texts: list[str] = TEXTS, explanation: str = "2 pages teach.") -> Snapshot:
    facts = SnapshotFacts(1, "ab" * 32, ("a", "b"), 3, {}, "pages", explanation)
    test = tuple(
        train_line(f"line-{n}", text, page=f"page-{n}") for n, text in enumerate(texts, start=1)
    )
    train = (train_line("line-90", "bõ põ"),)
    return Snapshot("cd" * 32, facts, train, test, (), ())


def a_report(before=BEFORE, after=AFTER, texts=TEXTS, **changes) -> dict:
    snapshot = a_snapshot(texts)
    old, new = score_lines(snapshot.test, before), score_lines(snapshot.test, after)
    comparison = compare(old, new)
    values = {
        "snapshot": snapshot,
        "readings_before": before,
        "readings_after": after,
        "comparison": comparison,
        "verdict": verdict(comparison),
        "forgetting": forgetting(old, new),
        "curve": [
            SimpleNamespace(step=0, loss=None, cer=0.2),
            SimpleNamespace(step=50, loss=math.inf, cer=0.1),
        ],
        "training": {"steps": 50, "seconds": 12.5, "settings": {"seed": 3}},
        "base_name": "Latin cursive, v3",
        "candidate_name": "Latin cursive, v4",
        "created": "2026-01-31T12:00:00+00:00",
        "new_characters": ["õ"],
    }
    return build_report(**{**values, **changes})


def test_report_has_both_rates_with_their_intervals() -> None:
    scores = a_report()["scores"]
    edits, length = (5, 3), sum(map(len, TEXTS))
    assert scores["cer"]["before"] == pytest.approx(edits[0] / length)
    assert scores["cer"]["after"] == pytest.approx(edits[1] / length)
    low, high = scores["wer"]["before_interval"]
    assert 0 <= low <= scores["wer"]["before"] <= high


def test_report_lists_lines_that_got_better_and_worse_most_changed_first() -> None:
    lines = a_report()["lines"]
    assert [(one["key"], one["edits_before"], one["edits_after"]) for one in lines["better"]] == [
        ("line-1", 2, 0),
        ("line-2", 2, 1),
    ]
    assert [one["key"] for one in lines["worse"]] == ["line-3"]
    assert (lines["better_count"], lines["worse_count"], lines["same_count"]) == (2, 1, 1)


def test_report_counts_the_same_confusions_before_and_after() -> None:
    found = {(one["true"], one["read"]): one for one in a_report()["confusions"]}
    assert (found["m", "n"]["before"], found["m", "n"]["after"]) == (2, 1)
    assert found["m", "n"]["examples"] == ["line-4", "line-2"]  # still misread: first
    assert (found["é", "e"]["before"], found["é", "e"]["after"]) == (0, 1)


def test_report_tells_how_well_a_new_character_is_read() -> None:
    assert a_report()["new_characters"] == [
        {
            "character": "õ",
            "name": "LATIN SMALL LETTER O WITH TILDE",
            "taught": 2,
            "tested": 1,
            "read_before": 0,
            "read_after": 1,
        }
    ]


def test_report_can_be_said_in_json_whatever_the_training_gave() -> None:
    report = a_report(training={"loss": math.nan, "rates": (1.0, math.inf)})
    said = json.loads(json.dumps(report, allow_nan=False))
    assert said["training"] == {"loss": None, "rates": [1.0, None]}
    assert said["curve"][1] == {"step": 50, "loss": None, "cer": 0.1}


def test_report_without_test_lines_says_so() -> None:
    report = a_report([], [], [])
    assert report["verdict"]["kind"] == "not proven"
    assert "There were no test lines" in report_html(report, {})


def test_report_names_the_images_it_shows() -> None:
    assert set(report_keys(a_report())) == {"line-1", "line-2", "line-3", "line-4"}
    assert report_keys({"lines": 3, "confusions": [{"examples": [7, "line-1"]}, None]}) == [
        "line-1"
    ]


def test_html_is_one_file_that_loads_nothing() -> None:
    page = report_html(a_report(), {key: PNG for key in report_keys(a_report())})
    assert page.startswith("<!doctype html>")
    assert "default-src 'none'" in page
    assert "<script" not in page and "http://" not in page and "https://" not in page
    assert 'src="data:image/png;base64,' in page
    assert "@media (prefers-color-scheme: dark)" in page and "@media print" in page


def test_html_shows_the_verdict_the_readings_and_what_was_wrong_in_them() -> None:
    page = report_html(a_report(), {})
    assert "Latin cursive, v4" in page
    assert a_report()["verdict"]["sentence"] in page
    assert "du pre<mark>n</mark>ier m<mark>a</mark>is" in page
    assert '<td class="number">1</td>' in page


def test_hostile_texts_names_and_keys_are_escaped() -> None:
    bad = '"><script>alert(1)</script>'
    report = a_report([bad] * 4, AFTER, [bad, *TEXTS[1:]], base_name=bad, candidate_name=bad)
    report["lines"]["better"].append({"key": bad, "text": bad, "before": bad, "after": bad})
    report["training"][bad] = bad
    report["verdict"]["warnings"] = [bad]
    page = report_html(report, {bad: PNG, "line-1": b"<svg onload=alert(1)>"})
    assert "<script" not in page and "<svg onload" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("junk", [None, 7, "x", [], {}, [[]], {"a": [None]}, math.nan, 10**400])
def test_html_survives_a_report_that_is_not_what_it_should_be(junk: object) -> None:
    for name in a_report():
        page = report_html({**a_report(), name: junk}, {})
        assert page.endswith("</html>\n")
    report = a_report()
    for name in list(report):
        if isinstance(report[name], dict):
            for inner in list(report[name]):
                changed = {**report, name: {**report[name], inner: junk}}
                assert report_html(changed, {}).endswith("</html>\n")


def test_a_wrong_letter_and_a_missing_one_are_marked() -> None:
    assert [step.kind for step in align("lettre", "letre")].count("deletion") == 1
    page = report_html(a_report(["la bõne letre", *BEFORE[1:]]), {})
    assert "<mark>\N{MIDDLE DOT}</mark>" in page
