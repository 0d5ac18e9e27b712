"""Pages of any kind, made by Hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from exchange import Character, PageDocument, Region, Tag, TextLine, Word
from exchange.records import CONTENTS, Points

WIDTH, HEIGHT = 2000, 3000
# what people write, astral and combining characters and odd spaces included, but no line breaks
TEXT = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cn"), exclude_characters="\ufffe"),
    max_size=30,
)
NAMES = st.text(st.sampled_from("abcXYZ019_.-é ß²:{}"), min_size=1, max_size=8)
CONFIDENCE = st.none() | st.integers(0, 10_000).map(lambda value: value / 10_000)
POINT = st.tuples(st.floats(0, WIDTH, width=32), st.floats(0, HEIGHT, width=32))
BASELINE = st.tuples(
    st.floats(0, 900, width=32), st.lists(st.floats(0, HEIGHT, width=32), min_size=2, max_size=5)
).map(lambda made: tuple((made[0] + 100 * number, y) for number, y in enumerate(made[1])))
POLYGON = st.lists(POINT, min_size=3, max_size=8).map(tuple)
TAGS = st.lists(
    st.builds(
        Tag,
        st.sampled_from(("person", "abbrev", "unclear", "x.y-z")),
        st.dictionaries(st.sampled_from(("offset", "length", "name")), NAMES, min_size=1).map(
            lambda values: tuple(values.items())
        ),
    ),
    max_size=2,
    unique=True,
).map(tuple)


@st.composite
def words_of(draw: st.DrawFn, text: str) -> tuple[Word, ...]:
    """Words of a text with a place for each, and for each character of some."""
    words = []
    for part in (part for part in text.split(" ") if part):
        characters = tuple(
            Character(character, draw(POLYGON), draw(CONFIDENCE))
            for character in (part if draw(st.booleans()) else "")
        )
        words.append(Word(part, draw(POLYGON), draw(CONFIDENCE), characters))
    return tuple(words)


@st.composite
def lines(draw: st.DrawFn, number: int, region_ids: list[str]) -> TextLine:
    """A line in one of the regions or in none."""
    text = draw(TEXT)
    return TextLine(
        id=f"{draw(NAMES)}{number}",
        baseline=draw(BASELINE),
        polygon=draw(POLYGON),
        text=text,
        confidence=draw(CONFIDENCE),
        kind=draw(st.just("") | NAMES.map(str.strip)),
        region_id=draw(st.sampled_from(["", *region_ids])),
        tags=draw(TAGS),
        words=draw(st.just(()) | words_of(text)) if text.strip() else (),
        spacing_px=draw(st.none() | st.integers(100, 9999).map(lambda value: value / 100)),
        status=draw(st.sampled_from(("", "corrected"))),
    )


@st.composite
def pages(draw: st.DrawFn) -> PageDocument:
    """A page with regions in regions, and lines in any order."""
    regions: list[Region] = []
    for number in range(draw(st.integers(0, 4))):
        ids = [region.id for region in regions]
        kind = draw(st.just("") | NAMES.map(str.strip))
        regions.append(
            Region(
                id=f"{draw(NAMES)}-{number}",
                polygon=draw(POLYGON),
                kind=kind,
                content=draw(st.sampled_from(CONTENTS)),
                parent_id=draw(st.sampled_from(["", *ids])),
                tags=draw(TAGS),
            )
        )
    ids = [region.id for region in regions]
    made = tuple(draw(lines(number, ids)) for number in range(draw(st.integers(0, 5))))
    return PageDocument(draw(TEXT), WIDTH, HEIGHT, made, tuple(regions))


def near(found: Points, expected: Points) -> bool:
    """Whether there are as many points, each within half a pixel."""
    return len(found) == len(expected) and all(
        abs(x - u) <= 0.5 and abs(y - v) <= 0.5
        for (x, y), (u, v) in zip(found, expected, strict=True)
    )
