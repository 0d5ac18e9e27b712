"""The report of a training run as the browser gets it: figures, lines, confusions, facts.

The report is a file of the data folder, so nothing in it is taken for what it should be: what has
not the right kind is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import storage
from training.gate import shown_p, shown_points
from ui.answers import Answer
from ui.run_view import curve, ended_view, finite, line_image, texts, whole

RATES = (("cer", "CER", "Misread characters"), ("wer", "WER", "Misread words"))
MAX_EXAMPLES = 2  # images of lines beside a confusion


def report_view(
    run: storage.Run, report: Mapping[str, Any], current_model_id: int | None
) -> Answer:
    """Return the report of a run for the browser; current_model_id: of the model in use."""
    ended = ended_view(run, current_model_id)
    lines = _mapping(report.get("lines"))
    training, scores = _mapping(report.get("training")), _mapping(report.get("scores"))
    return {
        **ended,
        "scores": [
            rates
            for key, name, words in RATES
            if (rates := _rates(scores.get(key), name, words)) is not None
        ],
        "notes": _notes(report),
        "better": _lines(run.id, lines.get("better")),
        "worse": _lines(run.id, lines.get("worse")),
        "better_count": whole(lines.get("better_count")) or 0,
        "worse_count": whole(lines.get("worse_count")) or 0,
        "same_count": whole(lines.get("same_count")) or 0,
        "confusions": _confusions(run.id, report.get("confusions")),
        "curve": curve(_mappings(report.get("curve"))),
        "steps": whole(training.get("steps")),
        "facts": _facts(run, report),
        "settings": [
            (_name(name), _value(value))
            for name, value in _mapping(training.get("settings")).items()
        ],
        "download": f"files/runs/{run.id}/report.html",
    }


def _rates(values: object, name: str, words: str) -> Answer | None:
    found = _mapping(values)
    before, after = finite(found.get("before")), finite(found.get("after"))
    if before is None or after is None:
        return None
    return {
        "name": name,
        "words": words,
        "before": before,
        "after": after,
        "before_interval": _interval(found.get("before_interval"), before),
        "after_interval": _interval(found.get("after_interval"), after),
    }


def _interval(values: object, otherwise: float) -> list[float]:
    ends = [finite(end) for end in values] if isinstance(values, list) and len(values) == 2 else []
    known = [end for end in ends if end is not None]
    return known if len(known) == 2 else [otherwise, otherwise]


def _notes(report: Mapping[str, Any]) -> list[str]:
    """Return the rest of what was found out, a sentence each."""
    notes = [_difference_words(_mapping(report.get("comparison")))]
    forgetting = _mapping(report.get("forgetting"))
    if isinstance(forgetting.get("sentence"), str):
        tested = _count(forgetting.get("lines"), "line")
        # What is warned of stands above the figures already.
        said = "" if forgetting.get("warn") else f"{forgetting['sentence']} "
        notes.append(f"{said}Other handwriting was tested on {tested} that taught nothing here.")
    notes += [_new_character_words(new) for new in _mappings(report.get("new_characters"))]
    return [note for note in notes if note]


def _difference_words(comparison: Mapping[str, Any]) -> str:
    difference, p = finite(comparison.get("difference")), finite(comparison.get("p"))
    if difference is None or p is None or not whole(comparison.get("lines")):
        return ""
    low, high = _interval(comparison.get("interval"), difference)
    unit = comparison.get("unit")
    drawn = f", {unit} drawn anew" if unit in ("pages", "lines") else ""
    lines, pages = comparison.get("lines"), comparison.get("pages")
    return (
        f"The difference is {shown_points(difference)} of the characters, with 95 % certainty "
        f"between {shown_points(low)} and {shown_points(high)} ({shown_p(p)}; "
        f"paired bootstrap{drawn}), on {_count(lines, 'test line')} of {_count(pages, 'page')}."
    )


def _new_character_words(new: Mapping[str, Any]) -> str:
    tested, right = whole(new.get("tested")) or 0, whole(new.get("read_after")) or 0
    proof = f"read right {right} of {_count(tested, 'time')} on the test lines"
    return (
        f"{_text(new.get('character'))} was new to the model: taught "
        f"{_count(new.get('taught'), 'time')}, "
        f"{proof if tested else 'and not tested, since no test line has it'}."
    )


def _count(value: object, noun: str) -> str:
    number = whole(value) or 0
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _some(value: object, noun: str) -> str:
    """Return how many there are; "" if there are none."""
    return _count(value, noun) if whole(value) else ""


def _lines(run_id: int, values: object) -> list[Answer]:
    return [
        {
            "image": line_image(run_id, line.get("key")),
            "truth": line["text"],
            "before": line["before"],
            "after": line["after"],
            "edits_before": whole(line.get("edits_before")),
            "edits_after": whole(line.get("edits_after")),
        }
        for line in _mappings(values)
        if all(isinstance(line.get(name), str) for name in ("text", "before", "after"))
    ]


def _confusions(run_id: int, values: object) -> list[Answer]:
    return [
        {
            "truth": row["true"],
            "reading": row["read"],
            "before": whole(row.get("before")),
            "after": whole(row.get("after")),
            "examples": [
                image
                for key in texts(row.get("examples"))[:MAX_EXAMPLES]
                if (image := line_image(run_id, key)) is not None
            ],
        }
        for row in _mappings(values)
        if isinstance(row.get("true"), str) and isinstance(row.get("read"), str)
    ]


def _facts(run: storage.Run, report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (name, value) of how the model was made."""
    snapshot, training = _mapping(report.get("snapshot")), _mapping(report.get("training"))
    base, candidate = _mapping(report.get("base")), _mapping(report.get("candidate"))
    facts = [
        ("New model", _text(candidate.get("name"))),
        ("Made from", _text(base.get("name"))),
        ("Taught by", _amount(snapshot, "train")),
        ("Tested by", _amount(snapshot, "test")),
        ("How they were parted", _text(snapshot.get("explanation"))),
        ("Mixed in, to keep other hands in mind", _some(snapshot.get("replay_lines"), "line")),
        ("Learned from readings that nobody corrected", _readings(training)),
        ("Finished", run.finished.strftime("%Y-%m-%d %H:%M UTC") if run.finished else ""),
        ("Time", _lasting(training)),
        ("Share of what was learned that is kept", _percent(training.get("interpolation"))),
        ("Left out", " ".join(texts(snapshot.get("skipped")))),
        ("Snapshot (SHA-256)", _text(snapshot.get("sha256"))),
    ]
    return [(name, value) for name, value in facts if value]


def _amount(snapshot: Mapping[str, Any], part: str) -> str:
    lines, pages = snapshot.get(f"{part}_lines"), snapshot.get(f"{part}_pages")
    return f"{_count(lines, 'line')} on {_count(pages, 'page')}"


def _readings(training: Mapping[str, Any]) -> str:
    """Return how many lines that nobody corrected taught, or why none; "" if it was not wished."""
    count = whole(_mapping(training.get("settings")).get("readings"))
    if count == 0:
        return "none: there were too few, or no language model helps with the corrected ones"
    return _some(count, "line")


def _lasting(training: Mapping[str, Any]) -> str:
    """Return how long learning took, and why it ended."""
    seconds, steps = finite(training.get("seconds")), whole(training.get("steps"))
    if seconds is None:
        return ""
    taken = f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} minutes"
    ends = {"cancelled": ", then it was stopped", "time": ", then its time was up"}
    return f"{taken}, {_count(steps, 'step')}{ends.get(_text(training.get('stopped')), '')}"


def _percent(share: object) -> str:
    known = finite(share)
    return "" if known is None else f"{100 * known:.0f} %"


def _name(name: object) -> str:
    return str(name).replace("_", " ").capitalize()


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(_value(one) for one in value)
    return "" if value is None else str(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: object) -> Sequence[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
