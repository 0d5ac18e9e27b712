"""Models are chosen, kept, handed out and taken in without trusting any file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import storage
from htr.errors import RecognitionError
from services.model_shelf import ModelShelf
from services.services import Services
from tests.services.model_files import published_file, put_model, sleeping_services, tiny_file


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    opened = sleeping_services(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def shelf(services: Services) -> ModelShelf:
    return services.model_shelf


@pytest.fixture
def base(services: Services, tmp_path: Path) -> storage.Model:
    model = put_model(services, tmp_path, 1, "base")
    return storage.set_current_model(services.store, model.id)


@pytest.fixture
def child(services: Services, base: storage.Model, tmp_path: Path) -> storage.Model:
    return put_model(services, tmp_path, 2, "child")


def weights(services: Services, model: storage.Model) -> Path:
    return services.store.data_dir / "models" / f"{model.sha256}.safetensors"


def test_latest_model_comes_first_and_sound_weights_have_no_trouble(
    shelf: ModelShelf, base: storage.Model, child: storage.Model
) -> None:
    found = shelf.models()
    assert [one.model.name for one in found] == ["child", "base"]
    assert [(one.trouble, one.checked) for one in found] == [("", True), ("", True)]
    assert all(one.size_bytes and one.size_bytes > 10_000 for one in found)


def test_damaged_and_missing_weights_are_told_with_what_to_do(
    services: Services, shelf: ModelShelf, base: storage.Model, child: storage.Model
) -> None:
    weights(services, child).write_bytes(b"overwritten")
    weights(services, base).unlink()
    damaged, missing = shelf.models()
    assert "is damaged" in damaged.trouble
    assert "is missing" in missing.trouble
    assert missing.size_bytes is None
    assert all("import that file: it takes the place" in one.trouble for one in (damaged, missing))


def test_damaged_model_is_not_put_to_use(
    services: Services, shelf: ModelShelf, base: storage.Model, child: storage.Model
) -> None:
    weights(services, child).write_bytes(b"overwritten")
    with pytest.raises(storage.StorageError, match="does not match its name"):
        shelf.use(child.id)
    with pytest.raises(storage.StorageError, match="does not match its name"):
        shelf.export(child.id)
    current = storage.current_model(services.store)
    assert current is not None and current.id == base.id


def test_going_back_puts_the_parent_to_use_even_if_it_was_removed(
    services: Services, shelf: ModelShelf, base: storage.Model, child: storage.Model
) -> None:
    shelf.use(child.id)
    storage.remove_model(services.store, base.id)
    assert shelf.go_back().id == base.id
    assert [one.name for one in storage.models(services.store)] == ["base", "child"]
    with pytest.raises(storage.StorageError, match="was not made from another model here"):
        shelf.go_back()


def test_export_is_named_as_the_model_without_what_file_systems_refuse(
    services: Services, shelf: ModelShelf, base: storage.Model
) -> None:
    storage.rename_model(services.store, base.id, '../Ada: "v2" <œ>')
    path, name = shelf.export(base.id)
    assert name == "Ada v2 œ.safetensors"
    assert path == weights(services, base)


def import_file(shelf: ModelShelf, file: Path, name: str):
    with shelf.upload() as path:
        path.write_bytes(file.read_bytes())
        return shelf.add_file(path, name)


def left_behind(services: Services) -> list[Path]:
    return list((services.store.data_dir / "tmp").iterdir())


def test_exported_model_is_the_same_model_when_it_is_imported_again(
    services: Services, shelf: ModelShelf, base: storage.Model
) -> None:
    path, name = shelf.export(base.id)
    done = import_file(shelf, path, name)
    assert done.model.id == base.id
    assert "is here already as “base”" in done.message
    assert left_behind(services) == []


def test_import_repairs_damaged_weights_and_brings_a_removed_model_back(
    services: Services, shelf: ModelShelf, child: storage.Model, tmp_path: Path
) -> None:
    file = tmp_path / "exported.safetensors"
    file.write_bytes(weights(services, child).read_bytes())
    weights(services, child).write_bytes(b"overwritten")
    assert shelf.model(child.id).trouble
    storage.remove_model(services.store, child.id)
    done = import_file(shelf, file, "x.safetensors")
    assert done.model.id == child.id
    assert done.message == "“child” had been removed and is back."
    assert shelf.model(child.id).trouble == ""


@pytest.mark.parametrize(
    ("file_name", "expected"),
    [
        ("Letters of Ada.safetensors", "Letters of Ada"),
        ("model.safetensors", "inside"),
        ("C:\\models\\Ada.safetensors", "Ada"),
        ("../../etc/passwd", "passwd"),
    ],
)
def test_imported_model_is_called_as_its_file_unless_every_file_is_called_so(
    shelf: ModelShelf, tmp_path: Path, file_name: str, expected: str
) -> None:
    file = tiny_file(tmp_path / "x.safetensors", 5, "inside")
    done = import_file(shelf, file, file_name)
    assert done.model.name == expected
    assert done.model.facts["imported_as"] == "model of this app"
    assert not done.model.current


def test_published_checkpoint_is_converted_and_its_alphabet_found_by_its_length(
    services: Services, shelf: ModelShelf, tmp_path: Path
) -> None:
    done = import_file(shelf, published_file(tmp_path / "p.pth"), "best_IAM.pth")
    assert done.model.name == "best_IAM"
    assert len(done.model.alphabet) == 79
    assert done.model.facts["dataset"] == "iam"
    assert "taken for a model of IAM" in done.message
    assert left_behind(services) == []


def test_published_checkpoint_of_another_alphabet_is_refused(
    services: Services, shelf: ModelShelf, tmp_path: Path
) -> None:
    file = published_file(tmp_path / "p.pth", classes=33)
    with pytest.raises(RecognitionError, match="Its head of 33 classes fits none of them") as told:
        import_file(shelf, file, "mine.pth")
    assert str(told.value).startswith("mine.pth does not say which characters it writes")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is neither safetensors nor a checkpoint"),
        (b"no model at all", "is neither safetensors nor a checkpoint"),
        (b"\xff\xff\xff\xff\x00\x00\x00\x00{}", "not a safetensors file, or cut short"),
        (b"\x02\x00\x00\x00\x00\x00\x00\x00{}", "lacks `config`"),
    ],
)
def test_hostile_file_is_refused_by_the_name_it_came_with(
    services: Services, shelf: ModelShelf, tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "hostile"
    file.write_bytes(content)
    with pytest.raises(RecognitionError, match=message) as told:
        import_file(shelf, file, "my <b>file</b>.pth")
    assert "my <b>file</b>.pth" in str(told.value)
    assert str(tmp_path) not in str(told.value)
    assert storage.models(services.store) == []
    assert left_behind(services) == []


def test_file_that_was_cut_short_is_refused(
    services: Services, shelf: ModelShelf, tmp_path: Path
) -> None:
    file = tiny_file(tmp_path / "x.safetensors")
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(RecognitionError, match="cut short or altered"):
        import_file(shelf, file, "x.safetensors")
    assert storage.models(services.store) == []
