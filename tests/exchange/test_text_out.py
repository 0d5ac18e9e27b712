"""Text formats: what they hold, and that no program takes text for orders."""

from __future__ import annotations

import csv
import io
import json

import pytest

from exchange import PageDocument, TextLine, to_csv, to_jsonl, to_markdown, to_txt

BASELINE = ((10.0, 30.0), (90.0, 31.26))


def page(*texts: str, name: str = "p1.jpg") -> PageDocument:
    lines = tuple(
        TextLine(f"l{number}", BASELINE, text=text, confidence=0.5, status="corrected")
        for number, text in enumerate(texts)
    )
    return PageDocument(name, 100, 200, lines)


def rows(*texts: str) -> list[dict[str, str]]:
    text = "".join(to_csv([page(*texts)]))
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def test_plain_text_has_a_line_a_line_and_a_gap_between_pages() -> None:
    pages = [page("one", "", "two"), page("three", name="p2.jpg")]
    assert "".join(to_txt(pages)) == "one\n\ntwo\n\nthree\n"
    assert "".join(to_txt(pages[1:], with_names=True)) == "[p2.jpg]\nthree\n"


def test_line_breaks_inside_a_line_make_no_new_line() -> None:
    assert "".join(to_txt([page("a\r\nb\u2028c\x85d")])) == "a b c d\n"


def test_csv_has_the_facts_of_each_line() -> None:
    assert rows('say "no", he', "two")[0] == {
        "page": "p1.jpg",
        "line": "1",
        "id": "l0",
        "region": "",
        "type": "",
        "text": 'say "no", he',
        "confidence": "0.5000",
        "status": "corrected",
        "baseline": "10.0,30.0 90.0,31.3",
    }


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1", "-2+3", "@SUM(A1)", "=x|' y'!A0"),
        *(" =1", "\u00a0=1", "\t=1", "\v=1", "\uff1d1", "\uff0d1"),
    ],
)
def test_csv_cell_is_never_a_formula(text: str) -> None:
    cell = rows(text)[0]["text"]
    assert cell.startswith("'")
    assert cell.lstrip("'").strip() == text.strip()


def test_csv_leaves_other_text_alone() -> None:
    for text in ("a=1", "1-2", "'quoted'", "", "Anna - Maria"):
        assert rows(text)[0]["text"] == text


def test_name_of_a_page_is_no_formula_either() -> None:
    text = "".join(to_csv([page("a", name="=1.jpg")]))
    assert '"\'=1.jpg"' in text


def test_json_lines_are_exact_to_the_letter() -> None:
    text = '=1 "\u2028" 𝔄\ud800 \x00'
    line = "".join(to_jsonl([page(text)]))
    assert line.count("\n") == 1
    assert line.isascii()
    found = json.loads(line)
    assert (found["text"], found["page"], found["line"]) == (text, "p1.jpg", 1)
    assert found["baseline"] == [[10, 30], [90, 31.26]]


def test_markdown_keeps_line_breaks_and_paragraphs() -> None:
    lines = (
        TextLine("a", BASELINE, text="Heading", kind="heading"),
        TextLine("b", BASELINE, text="first", region_id=""),
        TextLine("c", BASELINE, text=" "),
        TextLine("d", BASELINE, text="second"),
        TextLine("e", BASELINE, text="margin", region_id="m"),
    )
    made = "".join(to_markdown([PageDocument("p 1.jpg", 1, 1, lines)], "My title"))
    assert made == (
        "# My title\n\n## p 1.jpg\n\n### Heading\n\nfirst\\\nsecond\n\nmargin\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("*a* _b_ `c`", "\\*a\\* \\_b\\_ \\`c\\`"),
        ("<script>alert(1)</script>", "\\<script\\>alert(1)\\</script\\>"),
        ("[x](javascript:y)", "\\[x\\](javascript:y)"),
        ("# no heading", "\\# no heading"),
        ("12. Mai", "12\\. Mai"),
        ("12) a", "12\\) a"),
        ("12 Mai", "12 Mai"),
        ("- item", "\\- item"),
        ("=====", "\\====="),
        ("&amp;", "\\&amp;"),
    ],
)
def test_markdown_shows_text_as_it_was_written(text: str, escaped: str) -> None:
    assert "".join(to_markdown([page(text)])) == f"\n## p1.jpg\n\n{escaped}\n"
