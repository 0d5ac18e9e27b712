"""The report of a training as the browser gets it, its images, and its one-file copy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import storage
from services.services import Services
from tests.ui.test_routes import Client
from tests.ui.training_runs import sleeping_services, with_report
from training.run_folder import run_folder
from ui.answers import Answer
from ui.report_view import _readings, report_view
from ui.routes import build_routes


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    opened = sleeping_services(tmp_path_factory.mktemp("report"))
    with_report(opened)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def shown(services: Services) -> Answer:
    return report_view(storage.run(services.store, 1), services.trainer.report(1), 1)


@pytest.fixture(scope="module")
def ask(services: Services) -> Client:
    return Client(build_routes(services))


def test_rates_before_and_after_have_intervals(shown: Answer) -> None:
    cer, wer = shown["scores"]
    assert (cer["name"], wer["name"]) == ("CER", "WER")
    characters = 19 + 21 + 22 + 10
    assert cer["before"] == pytest.approx(1 / characters)
    assert cer["after"] == pytest.approx(7 / characters)
    low, high = cer["after_interval"]
    assert low <= cer["after"] <= high


def test_changed_lines_stand_side_by_side_with_their_images(shown: Answer) -> None:
    assert shown["better"] == [
        {
            "image": "files/runs/1/lines/line-11.png",
            "truth": "the quick brown fox",
            "before": "the quick brawn fox",
            "after": "the quick brown fox",
            "edits_before": 1,
            "edits_after": 0,
        }
    ]
    assert [line["after"] for line in shown["worse"]] == ["<b>until</b> noon"]
    assert (shown["better_count"], shown["worse_count"], shown["same_count"]) == (1, 1, 2)


def test_confusions_are_counted_before_and_after(shown: Answer) -> None:
    confused = next(row for row in shown["confusions"] if row["truth"] == "o")
    assert (confused["reading"], confused["before"], confused["after"]) == ("a", 1, 0)
    assert confused["examples"] == ["files/runs/1/lines/line-11.png"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, ""),
        ({"readings": 12}, "12 lines"),
        ({"readings": 0}, "none: there were too few, or no"),
    ],
)
def test_facts_say_what_readings_taught_where_that_was_wished(settings, told: str) -> None:
    assert _readings({"settings": settings}).startswith(told)
    assert bool(_readings({"settings": settings})) == bool(told)


def test_facts_say_how_the_model_was_made(shown: Answer) -> None:
    facts = dict(shown["facts"])
    assert facts["Made from"] == "hand, v1"
    assert facts["Taught by"] == "1 line on 1 page"
    assert facts["Time"] == "42 s, 80 steps, then its time was up"
    assert len(facts["Snapshot (SHA-256)"]) == 64
    assert shown["settings"] == [("Seed", "1")]


def test_difference_is_told_with_its_certainty(shown: Answer) -> None:
    assert shown["notes"][0].startswith(
        "The difference is +8.3 points of the characters, with 95 %"
    )
    assert "paired bootstrap, lines drawn anew" in shown["notes"][0]
    assert "4 test lines of 1 page" in shown["notes"][0]


def test_new_character_tells_how_often_it_was_taught_and_read(services: Services) -> None:
    tested = {"character": "ẽ", "taught": 33, "tested": 6, "read_after": 5}
    untested = {"character": "ñ", "taught": 1, "tested": 0, "read_after": 0}
    report = {"new_characters": [tested, untested]}
    assert report_view(storage.run(services.store, 1), report, None)["notes"] == [
        "ẽ was new to the model: taught 33 times, read right 5 of 6 times on the test lines.",
        "ñ was new to the model: taught 1 time, and not tested, since no test line has it.",
    ]


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"scores": [], "lines": "x", "curve": {"step": 1}, "confusions": [1, None]},
        {"scores": {"cer": {"before": "1", "after": None}}, "comparison": {"p": True}},
        {"lines": {"better": [{"text": 1, "before": "a", "after": "b"}], "better_count": "many"}},
        {"training": {"seconds": 5, "stopped": ["done"]}, "new_characters": [{}, 3]},
        {"confusions": [{"true": "a", "read": "b", "examples": ["../../etc/passwd", 3]}]},
    ],
)
def test_broken_report_is_shown_as_far_as_it_goes(services: Services, broken: dict) -> None:
    shown = report_view(storage.run(services.store, 1), broken, None)
    assert shown["scores"] == []
    assert shown["better"] == []
    assert [row["examples"] for row in shown["confusions"]] in ([], [[]])


def test_image_of_a_line_is_served_from_the_snapshot(ask: Client) -> None:
    answer = ask("GET", "/files/runs/1/lines/line-11.png")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.content[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    "key", ["line-99", "..", "..%2f..%2fsnapshot", "%2e%2e%2fx", "line-11%00", "LINE-11", "a" * 200]
)
def test_key_that_leads_nowhere_or_elsewhere_is_not_found(ask: Client, key: str) -> None:
    assert ask("GET", f"/files/runs/1/lines/{key}.png").status_code == 404


def test_image_of_an_unknown_run_is_not_found(ask: Client) -> None:
    assert ask("GET", "/files/runs/99/lines/line-11.png").status_code == 404


def test_file_that_is_no_image_is_not_served(services: Services, ask: Client) -> None:
    lines = run_folder(services.store.data_dir, 1).snapshot / "lines"
    (lines / "line-50.png").write_bytes(b"<script>alert(1)</script>")
    assert ask("GET", "/files/runs/1/lines/line-50.png").status_code == 404


def test_report_is_one_sealed_file_to_keep(ask: Client) -> None:
    answer = ask("GET", "/files/runs/1/report.html")
    assert answer.headers["content-disposition"] == 'attachment; filename="training-1.html"'
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "&lt;b&gt;" in answer.text
    assert "<b>until" not in answer.text
    assert "data:image/png;base64," in answer.text


def test_run_without_a_report_has_none_to_keep(ask: Client) -> None:
    assert ask("GET", "/files/runs/99/report.html").status_code == 404
