"""Imports: shown before they are taken in, whole or by agreement in part, resumed, undone."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

import storage
from exchange import page_document, read_page, write_page_xml
from segmentation.images import decode_page
from services.import_pages import ImportWish, line_of_image
from services.import_plan import read_plan
from services.import_work import TakeIn, UploadedFiles, uploaded_files
from services.importer import FOLDER, Importer
from tests.projects import (
    HEIGHT,
    NOW,
    WIDTH,
    described,
    ended,
    image,
    imported,
    pages_in,
    project_zip,
    settings,
    upload,
    zipped,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[storage.Store]:
    with storage.open_store(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def importer(store: storage.Store) -> Iterator[Importer]:
    made = Importer(settings(store.data_dir), store, lambda: None)
    made.start()
    yield made
    made.stop()


def exported(store: storage.Store, page: storage.Page) -> bytes:
    lines = storage.lines_of(store, page.id)
    document = page_document(page, lines, origin=storage.page_origin(store, page.id))
    return write_page_xml(document, NOW)


@pytest.mark.parametrize("layout", ["page", "alto"])
def test_project_comes_in_with_its_title_lines_and_texts(
    store: storage.Store, importer: Importer, tmp_path: Path, layout: str
) -> None:
    project = project_zip(tmp_path, layout=layout)
    looked = ended(store, importer.look(upload(importer, {"project.zip": project}), None, "ada"))
    found = looked.result
    assert (found["pages"], found["lines"], found["texts"]) == (3, 9, 9)
    assert found["formats"] == {layout.upper(): 3}
    assert found["documents"] == [{"title": "Box 12", "pages": 3}]
    assert found["problems"] == []
    assert storage.documents(store) == []  # nothing is in before somebody says so

    taken = ended(store, importer.take(looked.id, "human", False, False, "ada"))
    assert (taken.result["pages"], taken.result["lines"]) == (3, 9)
    (summary,) = storage.documents(store)
    assert (summary.document.title, summary.corrected, summary.pages_waiting) == ("Box 12", 9, 0)
    assert [page.name for page in pages_in(store)] == ["scan 1.png", "scan 2.png", "scan 3.png"]
    texts = [line.text for line in storage.lines_of(store, pages_in(store)[1].id)]
    assert texts == [f"page 2 line {index} œuvre" for index in range(3)]
    assert list((store.data_dir / FOLDER).iterdir()) == []


@pytest.mark.parametrize("layout", ["page", "alto"])
def test_what_goes_out_again_says_what_came_in(
    store: storage.Store, importer: Importer, tmp_path: Path, layout: str
) -> None:
    imported(store, importer, {"project.zip": project_zip(tmp_path, layout=layout)})
    for number, page in enumerate(pages_in(store), start=1):
        found, before = read_page(exported(store, page), "x"), described(number)
        assert found.regions == before.regions
        for line, origin in zip(found.lines, before.lines, strict=True):
            assert (line.id, line.text, line.kind, line.region_id, line.tags, line.baseline) == (
                origin.id, origin.text, origin.kind, origin.region_id, origin.tags, origin.baseline,
            )  # fmt: skip


def test_text_of_a_machine_waits_to_be_checked(
    store: storage.Store, importer: Importer, tmp_path: Path
) -> None:
    imported(store, importer, {"project.zip": project_zip(tmp_path)}, by="machine")
    (summary,) = storage.documents(store)
    assert (summary.machine, summary.corrected) == (9, 0)


def test_loose_files_of_a_folder_are_a_document_of_its_name(
    store: storage.Store, importer: Importer
) -> None:
    files = {
        "Letters/scan 2.png": image(2),
        "Letters/scan 10.png": image(10),
        "Letters/page/scan 2.xml": write_page_xml(described(2), NOW),
    }
    taken = imported(store, importer, files)
    assert taken.result["pages"] == 2
    assert [summary.document.title for summary in storage.documents(store)] == ["Letters"]
    first, second = pages_in(store)
    assert len(storage.lines_of(store, first.id)) == 3
    assert storage.lines_of(store, second.id) == []


def test_each_document_with_a_mets_file_of_its_own_becomes_one(
    store: storage.Store, importer: Importer, tmp_path: Path
) -> None:
    import zipfile

    files: dict[str, bytes] = {}
    for title in ("Anna", "Berta"):
        (tmp_path / title).mkdir()
        with zipfile.ZipFile(project_zip(tmp_path / title, 2, title=title)) as archive:
            files |= {f"{title}/{name}": archive.read(name) for name in archive.namelist()}
    imported(store, importer, {"all.zip": zipped(files)})
    found = {summary.document.title: summary.pages for summary in storage.documents(store)}
    assert found == {"Anna": 2, "Berta": 2}


def test_geometry_is_scaled_to_an_image_of_another_size(
    store: storage.Store, importer: Importer
) -> None:
    files = {
        "scan 1.png": image(1, 2 * WIDTH, 2 * HEIGHT),
        "scan 1.xml": write_page_xml(described(1), NOW),
    }
    taken = imported(store, importer, files)
    (page,) = pages_in(store)
    line = storage.lines_of(store, page.id)[0].line
    assert line.baseline == ((40.0, 100.0), (560.0, 104.0))
    assert (
        "Coordinates were scaled from 400 x 300 pixel to 800 x 600 pixels"
        in (taken.result["notes"][0])
    )


def test_layout_finds_the_page_that_is_there_already(
    store: storage.Store, importer: Importer, tmp_path: Path
) -> None:
    imported(store, importer, {"a/scan 1.png": image(1), "a/scan 2.png": image(2)})
    (summary,) = storage.documents(store)
    first, second = pages_in(store)
    layout = {"scan 2.xml": write_page_xml(described(2), NOW)}
    taken = imported(store, importer, layout, document_id=summary.document.id)
    assert taken.result["pages"] == 1
    assert [len(storage.lines_of(store, page.id)) for page in (first, second)] == [0, 3]

    storage.correct_line(
        store, storage.line_order(store, second.id)[0], "mine", "confirmed", "ada",
        storage.lines_of(store, second.id)[0].parent_id,
    )  # fmt: skip
    again = imported(store, importer, layout, document_id=summary.document.id, partly=True)
    assert "has lines that somebody corrected" in again.result["problems"][0]
    assert storage.lines_of(store, second.id)[0].text == "mine"


def test_without_agreement_nothing_comes_in_and_with_it_the_rest(
    store: storage.Store, importer: Importer, tmp_path: Path
) -> None:
    files = {
        "scan 1.png": image(1),
        "scan 1.xml": write_page_xml(described(1), NOW),
        "scan 2.xml": write_page_xml(described(2), NOW),
        "broken.xml": b"<PcGts",
    }
    looked = ended(store, importer.look(upload(importer, files), None, "ada"))
    assert looked.result["problem_count"] == 2
    with pytest.raises(storage.StorageError, match="Some of it cannot be taken in"):
        importer.take(looked.id, "human", False, False, "ada")
    taken = ended(store, importer.take(looked.id, "human", True, False, "ada"))
    assert (taken.state, taken.result["pages"]) == ("done", 1)


def test_problem_that_shows_only_while_taking_in_takes_all_back(
    store: storage.Store, importer: Importer
) -> None:
    turned = image(2, HEIGHT, WIDTH)  # by a quarter, since its layout was made
    files = {
        "scan 1.png": image(1),
        "scan 1.xml": write_page_xml(described(1), NOW),
        "scan 2.png": turned,
        "scan 2.xml": write_page_xml(described(2), NOW),
    }
    looked = ended(store, importer.look(upload(importer, files), None, "ada"))
    assert looked.result["problem_count"] == 0
    refused = ended(store, importer.take(looked.id, "human", False, False, "ada"))
    assert refused.state == "failed"
    assert "turned by a quarter" in refused.message
    assert storage.documents(store) == []
    (state,) = importer.shown(None)
    assert importer.was_undone(state.take)

    taken = ended(store, importer.take(looked.id, "human", True, False, "ada"))
    assert (taken.result["pages"], taken.result["lines"]) == (2, 3)
    assert taken.result["problem_count"] == 1
    (state,) = importer.shown(None)  # what is missing is shown until somebody has seen it
    importer.forget(state.look.id)
    assert importer.shown(None) == []


def test_taking_back_gives_a_known_page_its_earlier_lines(
    store: storage.Store, importer: Importer
) -> None:
    imported(
        store,
        importer,
        {"scan 1.png": image(1), "scan 1.xml": write_page_xml(described(1, 2), NOW)},
        by="machine",
    )
    (summary,) = storage.documents(store)
    (page,) = pages_in(store)
    before = storage.line_order(store, page.id)
    turned = write_page_xml(described(2), NOW)
    files = {
        "scan 1.xml": write_page_xml(described(1, 4), NOW),
        "scan 2.png": image(2, HEIGHT, WIDTH),
        "scan 2.xml": turned,
    }
    refused = imported(store, importer, files, document_id=summary.document.id)
    assert refused.state == "failed"
    assert storage.line_order(store, page.id) == before


def killed_import(
    store: storage.Store, importer: Importer, files: dict[str, bytes | Path], pages: int
) -> storage.Run:
    """An import of files whose process was killed while it stored the page after so many."""
    token = upload(importer, files)
    looked = ended(store, importer.look(token, None, "ada"))
    importer.stop()
    run = importer.take(looked.id, "human", False, False, "ada")
    storage.take_next_run(store, "import")
    folder = store.data_dir / FOLDER / token
    told = []

    def report(share: float, phase: str) -> None:
        told.append(phase)
        if len(told) > pages:
            raise KeyboardInterrupt

    wish = ImportWish("human", False, "ada")
    documents = read_plan(folder / "plan.json")
    with UploadedFiles(uploaded_files(folder)) as source:
        with pytest.raises(KeyboardInterrupt):
            TakeIn(store, settings(store.data_dir), run, documents, wish, report).take_all(source)
    return run


def after_a_restart(store: storage.Store, run: storage.Run) -> storage.Run:
    """The run as the next server ends it."""
    later = Importer(settings(store.data_dir), store, lambda: None)
    later.start()
    done = ended(store, run)
    later.stop()
    return done


def test_interrupted_import_goes_on_where_it_was(
    store: storage.Store, importer: Importer, tmp_path: Path
) -> None:
    run = killed_import(store, importer, {"project.zip": project_zip(tmp_path, pages=4)}, 2)
    assert len(pages_in(store)) == 2
    done = after_a_restart(store, run)
    assert (done.state, done.result["pages"], done.attempts) == ("done", 4, 2)
    assert [page.name for page in pages_in(store)] == [f"scan {n}.png" for n in range(1, 5)]
    assert len(storage.documents(store)) == 1


@pytest.mark.parametrize("kind", ["PDF", "TIFF"])
@pytest.mark.parametrize("reports", [1, 2, 3])
def test_interrupted_import_of_a_file_of_several_pages_has_each_page_once(
    store: storage.Store, importer: Importer, kind: str, reports: int
) -> None:
    book = f"book.{kind.lower()}"
    files = {
        "a.png": image(9),
        book: several_pages(kind, 3),
        "book.xml": write_page_xml(described(0), NOW),
        "z.png": image(8),
    }
    run = killed_import(store, importer, files, reports)
    assert len(pages_in(store)) == reports
    done = after_a_restart(store, run)
    assert (done.state, done.result["pages"], done.result["lines"]) == ("done", 5, 3)
    names = [page.name for page in pages_in(store)]
    assert names == ["a.png", book, book, book, "z.png"]
    lines = [len(storage.lines_of(store, page.id)) for page in pages_in(store)]
    assert lines == [0, 3, 0, 0, 0]
    shades = [shade_of(store, page) for page in pages_in(store)[1:4]]
    assert shades == pytest.approx([100, 130, 160], abs=3)


def test_pages_before_the_damage_of_a_refused_file_are_taken_back(
    store: storage.Store, importer: Importer
) -> None:
    kept = storage.add_document(store, "Letters")
    damaged = bytearray(several_pages("TIFF", 3, compression="tiff_adobe_deflate"))
    with Image.open(io.BytesIO(damaged)) as book:
        book.seek(2)
        offset, size = book.tag_v2[273][0], book.tag_v2[279][0]  # of its only strip
    damaged[offset : offset + size] = bytes(size)
    refused = imported(store, importer, {"book.tif": bytes(damaged)}, document_id=kept.id)
    assert refused.state == "failed"
    assert refused.message.startswith("Page 3 of")
    assert pages_in(store) == []


def several_pages(kind: str, pages: int, **options: str) -> bytes:
    """A PDF or TIFF whose pages are gray, each lighter by 30 than the one before, from 100 on."""
    drawn = [Image.new("L", (WIDTH, HEIGHT), 100 + 30 * number) for number in range(pages)]
    out = io.BytesIO()
    drawn[0].save(out, kind, save_all=True, append_images=drawn[1:], **options)
    return out.getvalue()


def shade_of(store: storage.Store, page: storage.Page) -> float:
    return float(decode_page(storage.page_image(store, page)).mean())


def test_run_of_a_command_that_was_killed_is_not_shown_as_running(
    store: storage.Store,
) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    run = storage.add_run(store, "import-command")
    storage.begin_run(store, run.id, gone.pid)
    later = storage.Store(store.data_dir, lambda: datetime.now(UTC) + timedelta(minutes=10))
    importer = Importer(settings(store.data_dir), later, lambda: None)
    importer.start()
    importer.stop()
    later.close()
    assert storage.run(store, run.id).state == "failed"


def test_cancelled_import_keeps_what_is_in(store: storage.Store, tmp_path: Path) -> None:
    idle = Importer(settings(store.data_dir), store, lambda: None)
    (store.data_dir / FOLDER).mkdir()
    run = idle.look(upload(idle, {"project.zip": project_zip(tmp_path)}), None, "ada")
    assert idle.cancel(run.id).state == "cancelled"
    idle.start()
    assert storage.run(store, run.id).state == "cancelled"
    idle.stop()


def test_pages_without_lines_are_queued_to_be_read_if_wanted(
    store: storage.Store, importer: Importer
) -> None:
    imported(store, importer, {"scan 1.png": image(1)}, read=True)
    assert [page.state for page in pages_in(store)] == ["waiting"]
    assert len(storage.runs(store, "read", ["waiting"])) == 1


@pytest.mark.parametrize("token", ["../..", "0" * 32, "", "x"])
def test_unknown_upload_is_refused(importer: Importer, token: str) -> None:
    with pytest.raises(storage.StorageError, match="no such upload"):
        importer.place_for(token)


def test_upload_without_any_page_says_so(store: storage.Store, importer: Importer) -> None:
    run = ended(store, importer.look(upload(importer, {"notes.txt": b"x"}), None, "ada"))
    assert run.state == "failed"
    assert "notes.txt holds no page" in run.message


LINE_SETS = {
    "pairs": {
        "a.zip": zipped({"l/1.png": image(1, 300, 60), "l/1.gt.txt": "œuvre une\n".encode(),
                         "l/2.png": image(2, 300, 60), "l/2.gt.txt": b"two"}),
    },
    "labels": {
        "a.zip": zipped({
            "train/1.png": image(1, 300, 60),
            "test/2.png": image(2, 300, 60),
            "labels.jsonl": b"\n".join(json.dumps(row).encode() for row in (
                {"file": "train/1.png", "text": "œuvre une", "split": "train"},
                {"file": "test/2.png", "text": "two", "split": "test"})),
        }),
    },
    "imagefolder": {
        "a.zip": zipped({
            "train/1.png": image(1, 300, 60), "train/2.png": image(2, 300, 60),
            "train/metadata.jsonl": b'{"file_name": "1.png", "text": "\xc5\x93uvre une"}\n'
                                    b'{"file_name": "2.png", "text": "two"}'}),
    },
    "csv": {
        "a.zip": zipped({
            "1.png": image(1, 300, 60), "2.png": image(2, 300, 60),
            "metadata.csv": "file_name,text\n1.png,œuvre une\n2.png,two\n".encode()}),
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", LINE_SETS)
def test_data_set_of_lines_becomes_pages_of_one_line_to_train_on(
    store: storage.Store, importer: Importer, kind: str
) -> None:
    taken = imported(store, importer, LINE_SETS[kind])
    assert (taken.result["pages"], taken.result["lines"]) == (2, 2)
    found = storage.training_lines(store)
    assert [line.text for line in found] == ["œuvre une", "two"]
    assert [line.status for line in found] == ["corrected", "corrected"]
    expected = [False, True] if kind == "labels" else [None, None]
    assert [line.held_out for line in found] == expected


def test_lines_of_a_data_set_without_text_or_image_are_told(
    store: storage.Store, importer: Importer
) -> None:
    files = {"1.png": image(1, 300, 60), "1.gt.txt": b"one", "2.gt.txt": b"two",
             "3.png": image(3), "3.gt.txt": b"\xff\xfe"}  # fmt: skip
    looked = ended(store, importer.look(upload(importer, files), None, "ada"))
    assert looked.result["problems"] == [
        "2.gt.txt has no image beside it.",
        "3.gt.txt is no text in UTF-8.",
    ]


def test_line_image_is_cut_out_whole() -> None:
    import numpy as np

    from segmentation.crops import crop_line

    image = np.arange(64 * 300, dtype=np.uint8).reshape(64, 300)
    line = line_of_image(300, 64)
    crop = crop_line(image, line.baseline, line.spacing_px)
    assert crop.shape == (64, 300)
    assert np.abs(crop.astype(int) - image).mean() < 2
    narrow = line_of_image(3, 64)
    assert narrow.baseline[1][0] > narrow.baseline[0][0]
