"""Files that are built to do harm, or badly broken, end in a clear error and nothing else."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from exchange import ExchangeError, UnsafeFile, read_page
from exchange.xml_input import MAX_BYTES, MAX_DEPTH, MAX_TAGS

FILES = Path(__file__).parent / "files"
SPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
PLACE = '<Coords points="10,10 90,10 90,40"/><Baseline points="10,30 90,30"/>'


def page(lines: str) -> str:
    return (
        f'<PcGts xmlns="{SPACE}"><Page imageFilename="a" imageWidth="9" imageHeight="9">'
        f'<TextRegion id="r">{lines}</TextRegion></Page></PcGts>'
    )


def line(text: str) -> str:
    return f'<TextLine id="l">{PLACE}<TextEquiv><Unicode>{text}</Unicode></TextEquiv></TextLine>'


def bomb() -> str:
    entities = "".join(
        f'<!ENTITY e{number} "{f"&e{number - 1};" * 10 if number else "ha"}">'
        for number in range(9)
    )
    return f"{HEAD}<!DOCTYPE PcGts [{entities}]>{page(line('&e8;'))}"


UNSAFE = {
    "billion laughs": bomb().encode(),
    "billion laughs in UTF-16": bomb().replace("UTF-8", "UTF-16").encode("utf-16"),
    "entity in an attribute": (
        f'{HEAD}<!DOCTYPE x [<!ENTITY e "{"a" * 1000}">]><PcGts xmlns="{SPACE}" id="&e;&e;"/>'
    ).encode(),
    "external entity": (
        f'{HEAD}<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>{page(line("&e;"))}'
    ).encode(),
    "external DTD": (
        f'{HEAD}<!DOCTYPE PcGts SYSTEM "http://127.0.0.1:9/x.dtd">{page(line("a"))}'
    ).encode(),
    "parameter entity": b'<!DOCTYPE x [<!ENTITY % e SYSTEM "file:///etc/passwd">%e;]><x/>',
    "too large": b"<a>" + b"x" * MAX_BYTES,
    "too many elements": b"<a>" + b"<b/>" * (MAX_TAGS + 1) + b"</a>",
    "too deep": b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1),
}
BROKEN = {
    "empty": b"",
    "spaces": b" \n ",
    "no XML": b"PK\x03\x04 and so on",
    "cut off": page(line("a")).encode()[:-20],
    "invalid UTF-8": page(line("a")).encode().replace(b"<Unicode>a", b"<Unicode>\xff\xfe"),
    "half a surrogate pair": page(line("\ud800")).encode("utf-8", "surrogatepass"),
    "control character": page(line("a\x07")).encode(),
    "control character as a reference": page(line("&#7;")).encode(),
    "unknown entity": page(line("&nbsp;")).encode(),
    "zero byte": page(line("a\x00b")).encode(),
    "unknown encoding": page(line("a")).encode().join([b'<?xml version="1.0" encoding="x"?>', b""]),
    "EBCDIC": page(line("a")).encode("cp500"),
    "UTF-7": b'<?xml version="1.0" encoding="UTF-7"?>' + page(line("a")).encode("utf-7"),
    "wrong declaration": (HEAD.replace("UTF-8", "UTF-16") + page(line("é"))).encode(),
    "one line of 9 MB": page(line("a" * 9_000_000)).encode(),
    "one line of 11 MB": page(line("a" * 11_000_000)).encode(),
    "too many lines": page(f"<TextLine>{PLACE}</TextLine>" * 10_001).encode(),
    "too many regions": page("</TextRegion><TextRegion>" * 10_001).encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSAFE)
def test_unsafe_file_is_refused_as_such(name: str) -> None:
    with pytest.raises(UnsafeFile, match="^evil.xml "):
        read_page(UNSAFE[name], "evil.xml")


@pytest.mark.parametrize("name", BROKEN)
def test_broken_file_is_refused_with_a_message(name: str) -> None:
    with pytest.raises(ExchangeError, match=r"evil\.xml") as caught:
        read_page(BROKEN[name], "evil.xml")
    assert len(str(caught.value)) < 400


def test_names_of_images_carry_no_path() -> None:
    for name in ("../../etc/passwd", "/etc/passwd", "C:\\x\\passwd", "a/..\\passwd"):
        data = page("").replace('imageFilename="a"', f'imageFilename="{name}"').encode()
        assert read_page(data, "x").image_name == "passwd"


@pytest.mark.parametrize(
    "points",
    ["1,2 3,4" * 20_000, "1e308,1 2,2", "1,2 3", "-1e9,0 5,5", "inf,inf 1,1", "a,b", "(", "-" * 99],
)  # fmt: skip
def test_points_that_are_none_are_a_loss(points: str) -> None:
    place = f'<Coords points="{points}"/><Baseline points="{points}"/>'
    read = read_page(page(f'<TextLine id="l">{place}</TextLine>').encode(), "x")
    assert read.lines == ()
    assert read.losses == ("Line 'l' has no place on the page.",)


def test_regions_that_name_each_other_in_a_circle_are_read_once() -> None:
    regions = "".join(
        f'<TextRegion id="{one}" custom="parent {{type:{other};}}">'
        f'<TextLine id="l{one}">{PLACE}</TextLine></TextRegion>'
        for one, other in (("a", "b"), ("b", "a"), ("c", "c"))
    )
    order = (
        '<ReadingOrder><OrderedGroup id="g"><RegionRefIndexed index="0" regionRef="b"/>'
        '<RegionRefIndexed index="1" regionRef="b"/><RegionRefIndexed index="2" regionRef="zzz"/>'
        "</OrderedGroup></ReadingOrder>"
    )
    data = page("").replace('<TextRegion id="r"></TextRegion>', regions)
    assert [one.id for one in read_page(data.encode(), "x").lines] == ["la", "lb", "lc"]
    data = data.replace("<TextRegion", order + "<TextRegion", 1)
    assert sorted(one.id for one in read_page(data.encode(), "x").lines) == ["la", "lb", "lc"]


def test_damaged_files_end_in_a_page_or_in_our_own_error() -> None:
    draw = random.Random(7)
    outcomes = {"page": 0, "error": 0}
    for path in sorted(FILES.glob("*.xml")):
        data = path.read_bytes()
        for _ in range(60):
            damaged = bytearray(data)
            for _ in range(draw.randint(1, 3)):
                at = draw.randrange(len(damaged))
                damaged[at : at + draw.choice((0, 1, 1, 20))] = draw.choice(
                    (b"", b"-", b"9", b" ", b"x", b"<", b'"', b"\xff", b"1e400", damaged[:40])
                )
            try:
                read_page(bytes(damaged), path.name)
                outcomes["page"] += 1
            except ExchangeError:
                outcomes["error"] += 1
    assert outcomes["page"] > 20
    assert outcomes["error"] > 100
