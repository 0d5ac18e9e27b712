"""Pretraining learns from files and drawn lines, goes on where it was stopped, and says how."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
import safetensors.torch
import torch

from htr.alphabet import Alphabet
from htr.config import ModelConfig
from htr.recognizer import Recognizer
from tests.htr.tiny import ALPHABET, TINY
from tests.htr_lines import drawn_line
from tests.training.line_sets import TEXTS, drawn_lines, tiny_trainable
from training.drawn_lines import DrawnLines
from training.errors import TrainingError
from training.finetune_checkpoint import CHECKPOINT
from training.learner import Learner
from training.line_batches import LineBatches, prepare_lines
from training.line_images import encode_png
from training.lines import TrainLine
from training.pretrain import main
from training.pretrain_config import FROM_NOTHING, WESTERN, PretrainConfig
from training.pretrain_lines import RealLines, characters_of_sources, source_facts, validation_lines
from training.pretraining import LOG, MODEL, PretrainTask, pretrain, starting_model, with_max_width
from training.trainable import load_trainable, save_trainable

QUICK = PretrainConfig(steps=4, batch_lines=2, warmup_steps=1, drawn_share=0.0)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Six lines that the tiny alphabet can write, one that it cannot, one without room."""
    path = tmp_path / "lines.zip"
    texts = [*TEXTS[:6], "xyz", "abcd" * 12]
    with zipfile.ZipFile(path, "w") as packed:
        for number, text in enumerate(texts):
            image = drawn_line(text[:4])
            packed.writestr(f"{number}.png", cv2.imencode(".png", image)[1].tobytes())
        rows = (
            json.dumps({"file": f"{number}.png", "text": text, "source": "made", "page": "p"})
            for number, text in enumerate(texts)
        )
        packed.writestr("labels.jsonl", "\n".join(rows))
    return path


def task(archive: Path, folder: Path, **settings) -> PretrainTask:
    return PretrainTask(
        tiny_trainable(), (archive,), folder, replace(QUICK, **settings), archive, 3, device="cpu"
    )


def quiet(_: str) -> None:
    pass


def events(folder: Path) -> list[dict]:
    return [json.loads(row) for row in (folder / LOG).read_text().splitlines()]


def test_lines_that_cannot_be_learned_are_counted_by_reason(archive: Path) -> None:
    with RealLines([archive], TINY, ALPHABET, None) as real:
        assert [line.classes for line in real.lines] == [
            tuple(ALPHABET.encode(text)) for text in TEXTS[:6]
        ]
        assert (real.skipped.unknown, real.skipped.without_room) == (1, 1)
        assert real.skipped.first == "'x' is not in the alphabet"


def test_line_is_prepared_as_for_reading(archive: Path) -> None:
    with RealLines([archive], TINY, ALPHABET, 1) as real:
        (line,) = real.lines
        (expected,) = prepare_lines(drawn_lines(1), TINY, ALPHABET)
        assert line.width_px == line.image.shape[1]
        assert line.image.shape[0] == 64
        assert line.classes == expected.classes
        assert {int(line.image.min()), int(line.image.max())} == {0, 255}


def test_dense_line_is_learned_as_wide_as_it_is_read(tmp_path: Path) -> None:
    text = "abcd " * 30
    image = cv2.resize(drawn_line(text), (3 * TINY.image_max_width, 64))
    with zipfile.ZipFile(tmp_path / "lines.zip", "w") as packed:
        packed.writestr("0.png", encode_png(image))
        packed.writestr("labels.jsonl", json.dumps({"file": "0.png", "text": text}))
    with RealLines([tmp_path / "lines.zip"], TINY, ALPHABET, None) as real:
        (line,) = real.lines
        (expected,) = prepare_lines([TrainLine("0", image, text, "p")], TINY, ALPHABET)
        assert line.width_px == expected.width_px > 2 * TINY.image_max_width
        assert np.array_equal(line.image, expected.image)


def test_run_made_longer_goes_on_where_it_ended(archive: Path, tmp_path: Path) -> None:
    pretrain(task(archive, tmp_path / "run", steps=2), quiet)
    pretrain(task(archive, tmp_path / "run", steps=4), quiet)
    found = events(tmp_path / "run")
    assert [event["step"] for event in found if "cer" in event] == [2, 4]
    assert [event["step"] for event in found if "resumed" in event] == [2]


def test_interrupted_run_goes_on_to_the_same_bits(archive: Path, tmp_path: Path) -> None:
    """Killed after the state of step 2 was written; what it did after that is done again."""
    whole = pretrain(task(archive, tmp_path / "whole"), quiet)

    class Killed(BaseException):
        pass

    times = iter(range(0, 10_000, 10))
    stopping = task(archive, tmp_path / "parts", save_minutes=0.5)

    def clock() -> float:
        if (tmp_path / "parts" / CHECKPOINT).exists():
            raise Killed
        return float(next(times))

    with pytest.raises(Killed):
        pretrain(stopping, quiet, clock)
    parts = pretrain(task(archive, tmp_path / "parts"), quiet)
    one, other = (safetensors.torch.load_file(file.parent / CHECKPOINT) for file in (whole, parts))
    assert all(torch.equal(one[name], other[name]) for name in one)
    resumed = [event["step"] for event in events(tmp_path / "parts") if "resumed" in event]
    assert len(resumed) == 1 and 0 < resumed[0] < 4


def test_folder_of_another_run_is_not_overwritten(archive: Path, tmp_path: Path) -> None:
    pretrain(task(archive, tmp_path / "run", steps=1), quiet)
    with pytest.raises(TrainingError, match="the state of another training"):
        pretrain(task(archive, tmp_path / "run", learning_rate=1e-2), quiet)


def test_run_without_a_usable_line_says_why(archive: Path, tmp_path: Path) -> None:
    wrong = starting_model(None, "uvw", TINY, False, 1)
    with pytest.raises(TrainingError, match="is not in the alphabet"):
        pretrain(replace(task(archive, tmp_path / "run"), start=wrong), quiet)


def test_written_model_reads_and_knows_how_it_was_made(archive: Path, tmp_path: Path) -> None:
    facts = {"sources": source_facts([archive]), "commit": "abc"}
    path = pretrain(replace(task(archive, tmp_path / "run"), facts=facts), quiet)
    made = load_trainable(path)
    assert made.facts["training"]["steps"] == 4
    assert made.facts["training"]["lines_seen"] == 8
    assert made.facts["training"]["sources"][0]["sha256"] == facts["sources"][0]["sha256"]
    assert made.facts["training"]["settings"]["seed"] == 1
    assert len(Recognizer.load(path, "cpu", "fp32").recognize([drawn_line("ab")])) == 1


def test_batch_norm_learns_its_statistics(archive: Path, tmp_path: Path) -> None:
    start = tiny_trainable()
    name = "patch_embed.bn1.running_mean"
    before = start.model.state_dict()[name].clone()
    path = pretrain(replace(task(archive, tmp_path / "run"), start=start), quiet)
    assert not torch.equal(load_trainable(path).model.state_dict()[name], before)


def test_short_lines_come_first(archive: Path, tmp_path: Path) -> None:
    config = PretrainConfig(curriculum=((0.5, 3),))
    assert [config.longest_text(share) for share in (0.0, 0.49, 0.5, 1.0)] == [3, 3, None, None]
    assert FROM_NOTHING[0][1] < FROM_NOTHING[1][1]
    path = pretrain(task(archive, tmp_path / "run", curriculum=((0.6, 3),)), quiet)
    assert path.exists()


def test_sharpness_aware_step_takes_the_gradient_from_higher_up() -> None:
    batch = LineBatches(prepare_lines(drawn_lines(2), TINY, ALPHABET), TINY, 2, seed=1).batch(0)

    def learner(rho: float) -> Learner:
        config = replace(QUICK, learning_rate=1e-3, precision="fp32", weight_decay=0.0)
        return Learner(
            tiny_trainable(), config, torch.device("cpu"), train_batch_norm=True, sam_rho=rho
        )

    plain, sharp, nothing = learner(0.0), learner(0.05), learner(0.0)
    weight = plain.model.head.weight.detach().clone()
    for one, rate in ((plain, 1.0), (sharp, 1.0), (nothing, 0.0)):
        one.step(batch, 0, rate)
    gradients = [one.model.head.weight.grad for one in (plain, sharp)]
    assert not torch.equal(*gradients)
    assert torch.allclose(sharp.model.head.weight, weight, atol=5e-3)  # back from the climb
    statistic = "patch_embed.bn1.running_mean"
    assert torch.equal(plain.model.state_dict()[statistic], sharp.model.state_dict()[statistic])
    assert sharp.model.patch_embed.bn1.momentum == 0.1


def test_new_model_has_the_characters_of_its_lines(archive: Path) -> None:
    characters = characters_of_sources([archive])
    assert characters == sorted(set(" abcdéxyz"))
    made = starting_model(None, characters, TINY, True, 1)
    assert made.alphabet.characters == tuple(characters)
    assert made.tcm is not None and made.config.classes == len(characters) + 1


def test_model_to_start_from_keeps_its_classes_and_gains_the_wanted(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    path = save_trainable(
        tmp_path / "m.safetensors", tiny_trainable(), name="m", created=datetime.now(UTC)
    )
    made = starting_model(path, "aß§", TINY, False, 1)
    assert made.alphabet.characters == (*ALPHABET.characters, "ß", "§")
    assert made.tcm is None


def test_model_that_sees_wider_lines_squashes_long_lines_less() -> None:
    wider = with_max_width(tiny_trainable(), TINY.image_max_width + 128)
    line = TrainLine("long", np.full((64, 700), 255, np.uint8), "ab", "p")
    (narrow_line,) = prepare_lines([line], TINY, ALPHABET)
    (wide_line,) = prepare_lines([line], wider.config, ALPHABET)
    assert wide_line.width_px == narrow_line.width_px + 128
    assert wider.model.config == wider.config
    with pytest.raises(TrainingError, match="16 px wide"):
        with_max_width(tiny_trainable(), 16)


def test_run_drops_as_much_as_its_recipe_says(archive: Path, tmp_path: Path) -> None:
    asked = task(archive, tmp_path / "run", dropout=0.0)
    pretrain(asked, quiet)
    model = asked.start.model
    assert {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)} == {0.0}
    assert [block.drop_path.share for block in model.blocks] == [0.0] * TINY.depth
    model.set_dropout(0.2, 0.3)
    assert model.blocks[-1].drop_path.share == pytest.approx(0.3)
    assert model.blocks[0].drop_path.share == 0.0


def test_hash_of_a_source_changes_with_its_content(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    first = source_facts([archive, folder])
    (folder / "a.txt").write_text("b")
    second = source_facts([archive, folder])
    assert first[0] == second[0]
    assert first[1]["sha256"] != second[1]["sha256"]


def test_published_list_takes_its_lines_from_the_folder_beside_it(tmp_path: Path) -> None:
    (tmp_path / "lines").mkdir()
    for number, text in enumerate(("ab", "dé", "bad")):
        cv2.imwrite(str(tmp_path / "lines" / f"{number}.png"), drawn_line(text))
        (tmp_path / "lines" / f"{number}.txt").write_text(text, encoding="utf-8")
    listed = tmp_path / "train.ln"
    listed.write_text("2.png\n0.png\n")
    with RealLines([listed], TINY, ALPHABET, None) as real:
        assert [line.classes for line in real.lines] == [
            tuple(ALPHABET.encode(text)) for text in ("bad", "ab")
        ]
    assert characters_of_sources([listed]) == ["a", "b", "d"]
    assert [line.text for line in validation_lines(listed, 1)] == ["bad"]
    assert source_facts([listed])[0]["files"] == 7  # the list, three images, three texts
    listed.write_text("9.png\n")
    with pytest.raises(TrainingError, match="train.ln names '9.png'"):
        RealLines([listed], TINY, ALPHABET, None)


def test_drawn_line_of_a_number_is_always_the_same() -> None:
    alphabet = Alphabet(tuple(sorted({*map(chr, range(32, 127)), *WESTERN, *"áéíóúñ"})))
    config = ModelConfig(classes=alphabet.classes, contrast="percentile")
    stream, again = (DrawnLines(config, alphabet, 1, WESTERN) for _ in range(2))
    assert np.array_equal(stream[5].image, again[5].image)
    assert stream[5].classes == again[5].classes != stream[6].classes
    written = {c for n in range(40) for c in alphabet.decode(stream[n].classes)}
    assert len(written & (set(WESTERN) - set("éèàâêç"))) > 10
    with pytest.raises(IndexError):
        stream[len(stream)]


def test_lines_drawn_ahead_by_processes_are_those_of_the_stream() -> None:
    stream = DrawnLines(TINY, ALPHABET, 3, count=40)
    ahead = stream.drawn_ahead(30, 2)
    assert len(ahead) == 30
    for line, expected in zip(ahead, stream[:30], strict=True):
        assert line.classes == expected.classes
        assert np.array_equal(line.image, expected.image)


def test_run_with_lines_on_the_device_learns_and_goes_on(archive: Path, tmp_path: Path) -> None:
    def resident(steps: int) -> PretrainTask:
        made = task(archive, tmp_path / "run", steps=steps, drawn_share=0.5)
        return replace(made, resident=True, drawn_ahead=4)

    told: list[str] = []
    pretrain(resident(2), told.append)
    assert "10 lines lie on cpu, 4 of them drawn" in told
    made = load_trainable(pretrain(resident(4), quiet))
    assert [event["step"] for event in events(tmp_path / "run") if "cer" in event] == [2, 4]
    start = tiny_trainable().model.state_dict()
    assert any(
        not torch.equal(value, start[name]) for name, value in made.model.state_dict().items()
    )


def test_command_trains_on_drawn_lines_alone(tmp_path: Path, capsys) -> None:
    arguments = (
        "--steps 1 --batch-lines 2 --embed-dim 32 --heads 2 --device cpu --lines 2 --no-tcm"
    ).split()
    assert main(["--run-dir", str(tmp_path / "run"), *arguments]) == 0
    begun = events(tmp_path / "run")[0]
    assert begun["started_from"] == "nothing" and begun["settings"]["steps"] == 1
    assert str(tmp_path / "run" / "model.safetensors") in capsys.readouterr().out


def test_command_widens_the_model_to_begin_with(tmp_path: Path, capsys) -> None:
    start = save_trainable(
        tmp_path / "start.safetensors", tiny_trainable(), name="tiny", created=datetime.now(UTC)
    )
    arguments = f"--steps 1 --batch-lines 2 --device cpu --start-from {start}".split()
    wider = ["--run-dir", str(tmp_path / "wider"), *arguments, "--widen", str(2 * TINY.embed_dim)]
    assert main(wider) == 0
    assert events(tmp_path / "wider")[0]["widened_to"] == 2 * TINY.embed_dim
    assert load_trainable(tmp_path / "wider" / MODEL).config.embed_dim == 2 * TINY.embed_dim
    assert main(["--run-dir", str(tmp_path / "no"), *arguments, "--widen", "1"]) == 1
    assert "cannot be widened to 1" in capsys.readouterr().err


def test_command_names_a_source_that_is_not_there(tmp_path: Path, capsys) -> None:
    run = ["--run-dir", str(tmp_path / "run")]
    assert main([str(tmp_path / "no.zip"), *run]) == 1
    assert "does not exist" in capsys.readouterr().err
