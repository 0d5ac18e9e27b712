"""The report of a run as one HTML file: works offline, runs no script, can be printed.

Everything in a report may come from a foreign file - texts, names, keys, even numbers - so every
value is escaped or read as a number, and the page forbids itself to load anything.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from training.alignment import align
from training.gate import shown_p, shown_points, shown_rate
from training.report_values import (
    MAX_ROWS,
    escaped,
    number,
    pair,
    rows_of,
    section,
    shown_character,
    texts,
    whole,
)

STYLE = Path(__file__).with_name("report.css")
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
CHART_PX = (640, 200)
MARGIN_PX = 44
MAX_SETTING_CHARACTERS = 200
_IMAGE_TYPES = {b"\x89PNG": "image/png", b"RIFF": "image/webp", b"\xff\xd8\xff": "image/jpeg"}
_KINDS = {"substitution": "read as", "deletion": "not read", "insertion": "read, but not there"}


def report_html(report: Mapping[str, Any], images: Mapping[str, bytes]) -> str:
    """Return the report as one self-contained HTML page.

    report: as `build_report` made it. images: PNG, WebP or JPEG files by the keys of lines, for
    `report_keys`; lines without one are shown by their texts alone.
    """
    verdict = section(report, "verdict")
    parts = [
        _head(report, verdict),
        _scores(report),
        _forgetting(section(report, "forgetting")),
        _new_characters(rows_of(report, "new_characters")),
        _confusions(rows_of(report, "confusions"), images),
        _lines(section(report, "lines"), images),
        _curve(rows_of(report, "curve", limit=1000)),
        _training(section(report, "training")),
        _snapshot(section(report, "snapshot")),
    ]
    title = f"What the model has learned: {escaped(section(report, 'candidate').get('name'))}"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{STYLE.read_text('utf-8')}</style>\n</head>\n<body>\n"
        f"{''.join(parts)}</body>\n</html>\n"
    )


def _head(report: Mapping[str, Any], verdict: Mapping[str, Any]) -> str:
    kind = {"better": "better", "worse": "worse"}.get(str(verdict.get("kind")), "unproven")
    warnings = "".join(
        f'<p class="warning">{escaped(one)}</p>\n' for one in texts(verdict, "warnings")
    )
    return (
        f"<h1>{escaped(section(report, 'candidate').get('name'))}</h1>\n"
        f'<p class="quiet">taught from {escaped(section(report, "base").get("name"))}, '
        f"{escaped(str(report.get('created', ''))[:16].replace('T', ' '))}</p>\n"
        f'<p class="verdict {kind}">{escaped(verdict.get("sentence"))}</p>\n{warnings}'
    )


def _scores(report: Mapping[str, Any]) -> str:
    comparison, scores = section(report, "comparison"), section(report, "scores")
    if not number(comparison, "lines"):
        return "<h2>Errors</h2>\n<p>There were no test lines, so nothing was measured.</p>\n"
    rows = []
    for name, label in (("cer", "characters misread (CER)"), ("wer", "words misread (WER)")):
        rate = section(scores, name)
        rows.append(
            [label]
            + [
                f"{shown_rate(number(rate, side))} "
                f'<span class="quiet">({_interval(rate, f"{side}_interval")})</span>'
                for side in ("before", "after")
            ]
        )
    low, high = pair(comparison, "interval")
    unit = "pages" if comparison.get("unit") == "pages" else "lines"
    table = _table(["", "before", "now"], rows, numbers=(1, 2))
    return (
        f"<h2>Errors on {whole(comparison, 'lines')} test lines of "
        f"{whole(comparison, 'pages')} pages</h2>\n{table}"
        f"<p>Change in CER: {shown_points(number(comparison, 'difference'))}, with 95 % "
        f"confidence between {shown_points(low)} and {shown_points(high)}; "
        f'{shown_p(number(comparison, "p"))} <span class="quiet">(two-sided, paired bootstrap '
        f"over {unit})</span>.</p>\n"
    )


def _forgetting(forgetting: Mapping[str, Any]) -> str:
    if not forgetting:
        return ""
    rows = [
        [
            escaped(group.get("group")),
            whole(group, "lines"),
            shown_rate(number(group, "cer_before")),
            shown_rate(number(group, "cer_after")),
        ]
        for group in rows_of(forgetting, "groups")
    ]
    table = _table(["", "lines", "CER before", "CER now"], rows, numbers=(1, 2, 3)) if rows else ""
    return f"<h2>Other handwriting</h2>\n<p>{escaped(forgetting.get('sentence'))}</p>\n{table}"


def _new_characters(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    table = _table(
        ["character", "", "taught", "in the test", "read right before", "now"],
        [
            [
                f'<span class="written">{shown_character(row.get("character"))}</span>',
                escaped(row.get("name")),
                *(whole(row, name) for name in ("taught", "tested", "read_before", "read_after")),
            ]
            for row in rows
        ],
        numbers=(2, 3, 4, 5),
    )
    return f"<h2>New characters</h2>\n{table}"


def _confusions(rows: Sequence[Mapping[str, Any]], images: Mapping[str, bytes]) -> str:
    if not rows:
        return ""
    cells = []
    for row in rows:
        kind = _KINDS.get(str(row.get("kind")), "")
        true, read = shown_character(row.get("true")), shown_character(row.get("read"))
        what = {"substitution": f"{true} {kind} {read}", "deletion": f"{true} {kind}"}.get(
            str(row.get("kind")), f"{read} {kind}"
        )
        shown = [_image(key, images) for key in texts(row, "examples")[:2]]
        cells.append(
            [
                f'<span class="written">{what}</span>',
                whole(row, "before"),
                whole(row, "after"),
                f'<div class="examples">{"".join(shown)}</div>',
            ]
        )
    table = _table(["misreading", "before", "now", "for example"], cells, numbers=(1, 2))
    return f"<h2>Most frequent misreadings</h2>\n{table}"


def _lines(lines: Mapping[str, Any], images: Mapping[str, bytes]) -> str:
    parts = []
    for side, title in (("better", "Lines that got better"), ("worse", "Lines that got worse")):
        rows = rows_of(lines, side)
        count = whole(lines, f"{side}_count")
        figures = "".join(_figure(row, images) for row in rows)
        shown = f" ({len(rows)} shown)" if str(len(rows)) != count else ""
        parts.append(f"<h2>{title}: {count}{shown}</h2>\n{figures or '<p>None.</p>'}\n")
    return f'{"".join(parts)}<p class="quiet">{whole(lines, "same_count")} did neither.</p>\n'


def _figure(row: Mapping[str, Any], images: Mapping[str, bytes]) -> str:
    text = str(row.get("text", ""))
    readings = "".join(
        f'<dt>{label}</dt><dd class="written">{_marked(text, str(row.get(name, "")))} '
        f'<span class="quiet">{_edits(row, f"edits_{name}")}</span></dd>'
        for name, label in (("before", "before"), ("after", "now"))
    )
    return (
        f"<figure>{_image(str(row.get('key', '')), images)}<dl><dt>correct</dt>"
        f'<dd class="written">{escaped(text)}</dd>{readings}</dl></figure>\n'
    )


def _marked(true: str, read: str) -> str:
    """Return the reading with what is wrong in it marked; a missing letter is a marked gap."""
    parts: list[str] = []
    wrong = False
    for step in align(true, read):
        if (step.kind != "same") != wrong:
            wrong = not wrong
            parts.append("<mark>" if wrong else "</mark>")
        parts.append("\N{MIDDLE DOT}" if step.kind == "deletion" else escaped(step.read))
    return "".join(parts) + ("</mark>" if wrong else "")


def _curve(rows: Sequence[Mapping[str, Any]]) -> str:
    charts = [
        _chart([(number(row, "step"), number(row, name)) for row in known], label, rate)
        for name, label, rate in (("cer", "CER on test lines", True), ("loss", "loss", False))
        if len(known := [row for row in rows if row.get(name) is not None]) > 1
    ]
    return f"<h2>How it learned</h2>\n{''.join(charts)}" if charts else ""


def _chart(points: Sequence[tuple[float, float]], label: str, is_rate: bool) -> str:
    """Return an SVG of the points (step, value), the value axis from 0."""
    width, height = CHART_PX
    last = max(1.0, max(step for step, _ in points))
    top = max(1e-9, max(value for _, value in points))
    places = [
        (
            MARGIN_PX + step / last * (width - 2 * MARGIN_PX),
            height - MARGIN_PX - max(0.0, value) / top * (height - 1.5 * MARGIN_PX),
        )
        for step, value in points
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in places[:100])
    ends = [shown_rate(value) if is_rate else f"{value:.3g}" for value in (top, points[-1][1])]
    foot = height - MARGIN_PX
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{label} by step: at most '
        f'{ends[0]}, {ends[1]} at the end">'
        f'<path class="axis" d="M{MARGIN_PX},{MARGIN_PX / 2} V{foot} H{width - MARGIN_PX}"/>'
        f'<path class="line" d="M{line}"/>{dots}'
        f'<text x="{MARGIN_PX - 4}" y="{MARGIN_PX / 2 + 4}" text-anchor="end">{ends[0]}</text>'
        f'<text x="{MARGIN_PX - 4}" y="{foot}" text-anchor="end">0</text>'
        f'<text x="{width - MARGIN_PX}" y="{foot + 18}" text-anchor="end">step {last:.0f}</text>'
        f'<text x="{MARGIN_PX + 8}" y="{MARGIN_PX / 2 + 4}">{label}; at the end {ends[1]}</text>'
        "</svg>\n"
    )


def _training(training: Mapping[str, Any]) -> str:
    rows = []
    for name, value in training.items():
        values = value.items() if isinstance(value, Mapping) else [("", value)]
        for inner, one in values:
            shown = f"{one:.4g}" if isinstance(one, float) else str(one)
            label = f"{name}: {inner}" if inner else str(name)
            rows.append(
                f"<dt>{escaped(label)}</dt><dd>{escaped(shown[:MAX_SETTING_CHARACTERS])}</dd>"
            )
    return f"<h2>Training</h2>\n<dl>{''.join(rows[:MAX_ROWS])}</dl>\n" if rows else ""


def _snapshot(snapshot: Mapping[str, Any]) -> str:
    notes = "".join(
        f"<p>{escaped(one)}</p>\n"
        for one in [*texts(snapshot, "warnings"), *texts(snapshot, "skipped")]
    )
    return (
        f"<h2>Data</h2>\n<p>{escaped(snapshot.get('explanation'))}</p>\n{notes}"
        f"<p>{whole(snapshot, 'train_lines')} lines taught, {whole(snapshot, 'test_lines')} "
        f"tested, {whole(snapshot, 'reference_lines')} of other handwriting were read, "
        f"{whole(snapshot, 'replay_lines')} were replayed.</p>\n"
        f'<p class="quiet">Snapshot <code>{escaped(snapshot.get("sha256"))}</code>, '
        f"seed {whole(snapshot, 'seed')}.</p>\n"
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int]) -> str:
    """Return a table; heads and cells are HTML already."""

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f'<{tag} class="number">{cell}</{tag}>'
            if column in numbers
            else f"<{tag}>{cell}</{tag}>"
            for column, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>\n" for row in rows)
    return (
        f'<div class="scroll"><table><thead><tr>{cells("th", heads)}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>\n"
    )


def _image(key: str, images: Mapping[str, bytes]) -> str:
    data = images.get(key, b"")
    kind = next((kind for start, kind in _IMAGE_TYPES.items() if data.startswith(start)), None)
    if kind is None:
        return ""
    encoded = base64.b64encode(data).decode("ascii")
    return f'<img src="data:{kind};base64,{encoded}" alt="image of {escaped(key)}">'


def _edits(row: Mapping[str, Any], name: str) -> str:
    count = whole(row, name)
    return "right" if count == "0" else f"{count} wrong"


def _interval(values: Mapping[str, Any], name: str) -> str:
    low, high = pair(values, name)
    return f"{shown_rate(low)} to {shown_rate(high)}"
