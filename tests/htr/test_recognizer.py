"""Reading in batches gives what reading one line alone gives, in order, within memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from htr_lines import drawn_line

from htr.beam import BeamSearch, BeamSettings
from htr.character_counts import build_character_model
from htr.checkpoint import save_checkpoint
from htr.decode import EMPTY_TRANSCRIPT
from htr.errors import CheckpointError, RecognitionError
from htr.preprocess import line_width_px
from htr.recognizer import FULL_LINE_PX, Recognizer
from htr.shipped import default_model_path
from tests.htr.tiny import ALPHABET, TINY, tiny_model

Compute = Callable[[str], object]
TEXTS = ("the quick brown", "a", "le 3 mars", "et cetera", "maison", "x y", "a farm", "le 3 mai")


@pytest.fixture(scope="module")
def shipped() -> Recognizer:
    return Recognizer.load(default_model_path(), "cpu", "fp32")


@pytest.fixture
def tiny() -> Recognizer:
    return Recognizer(tiny_model(), TINY, ALPHABET)


@pytest.fixture(scope="module")
def drawn() -> list[np.ndarray]:
    return [drawn_line(text) for text in TEXTS]


def logits_of(recognizer: Recognizer, crops: list[np.ndarray]) -> torch.Tensor:
    lines = [(crop, line_width_px(crop, recognizer.config)) for crop in crops]
    return recognizer._launch(lines, list(range(len(crops)))).logits


def test_shipped_model_reads_a_drawn_line_roughly(shipped: Recognizer) -> None:
    (read,) = shipped.recognize([drawn_line("the quick brown fox")])
    assert len(read.text) > 5
    assert 0 < read.confidence <= 1
    assert read.characters[-1].end_px <= drawn_line("the quick brown fox").shape[1]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_text_is_the_same_at_every_batch_size(drawn: list[np.ndarray], precision: str) -> None:
    recognizer = Recognizer.load(default_model_path(), "cpu", precision)
    expected = [recognizer.recognize([line])[0] for line in drawn]
    for size in (2, 3, 32):
        read = recognizer.recognize(drawn, batch_lines=size)
        assert [line.text for line in read] == [line.text for line in expected]
        for one, other in zip(read, expected, strict=True):
            assert one.confidence == pytest.approx(other.confidence, abs=1e-2)


def test_logits_of_a_line_do_not_depend_on_its_neighbours(shipped: Recognizer) -> None:
    lines = [drawn_line(text, width_px=300) for text in TEXTS[:4]]
    together = logits_of(shipped, lines)
    for row, line in enumerate(lines):
        torch.testing.assert_close(together[row], logits_of(shipped, [line])[0], atol=1e-4, rtol=0)
    backwards = logits_of(shipped, lines[::-1])
    torch.testing.assert_close(backwards[-1], together[0], atol=1e-4, rtol=0)


def test_lines_share_a_batch_only_with_their_bucket(tiny: Recognizer) -> None:
    crops = [np.full((64, width), 200, np.uint8) for width in (30, 500, 32, 33, 490, 60)]
    seen = []
    features = tiny._model.features
    tiny._model.features = lambda images: seen.append(tuple(images.shape)) or features(images)
    tiny.recognize(crops)
    assert seen == [(2, 1, 64, 512), (2, 1, 64, 64), (2, 1, 64, 32)]


def test_long_lines_are_read_again_with_room_for_their_letters(shipped: Recognizer) -> None:
    text = "the quick brown fox jumps over the lazy dog and le chien dort au soleil de mars "
    dense = cv2.resize(drawn_line(text * 3), (2000, 64), interpolation=cv2.INTER_AREA)
    roomy = cv2.resize(drawn_line(text[:40]), (900, 64), interpolation=cv2.INTER_AREA)
    first_px = line_width_px(dense, shipped.config)
    values = shipped.log_probabilities([roomy, dense])
    assert len(values[0]) * 4 == shipped.config.image_max_width
    assert first_px < len(values[1]) * 4 <= 2016
    read = shipped.recognize([roomy, dense])
    assert [line.text for line in read] == [
        shipped.recognize([line])[0].text for line in (roomy, dense)
    ]
    squashed = shipped._launch([(dense, first_px)], [0])
    assert len(read[1].text) > len(shipped._decode(squashed, [2000])[0].text)
    assert read[1].characters[-1].end_px <= 2000


def test_order_of_the_crops_is_kept(shipped: Recognizer, drawn: list[np.ndarray]) -> None:
    read = [transcript.text for transcript in shipped.recognize(drawn)]
    turned = [transcript.text for transcript in shipped.recognize(drawn[::-1])]
    assert read == turned[::-1]
    assert len(set(read)) > 4


def test_crop_without_pixels_gives_an_empty_transcript(tiny: Recognizer) -> None:
    read = tiny.recognize([np.zeros((64, 0), np.uint8), np.zeros((64, 90, 3), np.uint8)])
    assert read[0] == EMPTY_TRANSCRIPT
    assert len(read) == 2
    assert tiny.recognize([]) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (64, 1), (2, 2, 3)])
def test_degenerate_crops_are_read(tiny: Recognizer, shape: tuple[int, ...]) -> None:
    assert len(tiny.recognize([np.zeros(shape, np.uint8)])) == 1


def test_wrong_crop_is_named_before_anything_is_read(tiny: Recognizer) -> None:
    with pytest.raises(RecognitionError, match="Line 2 of 2: A line image is float64"):
        tiny.recognize([np.zeros((64, 9), np.uint8), np.zeros((64, 9))])


def test_progress_tells_the_share_of_lines_read(tiny: Recognizer) -> None:
    shares: list[float] = []
    empty = np.zeros((64, 0), np.uint8)
    tiny.recognize([np.zeros((64, 40), np.uint8)] * 3 + [empty], shares.append, batch_lines=2)
    assert shares == [0.75, 1.0]


def out_of_memory_above(recognizer: Recognizer, lines: int) -> list[int]:
    """Make the model run out of memory on more lines a batch; return the sizes it was given."""
    sizes: list[int] = []
    features = recognizer._model.features

    def limited(images: torch.Tensor) -> torch.Tensor:
        sizes.append(len(images))
        if len(images) > lines:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.")
        return features(images)

    recognizer._model.features = limited
    return sizes


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    """Sets the threads of torch for the time of the test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_threads_read_what_one_reads_and_leave_the_setting_as_it_was(
    tiny: Recognizer, threads: Callable[[int], None]
) -> None:
    crops = [drawn_line("abc"[: 1 + n % 3], width_px=100 + 30 * n) for n in range(9)]
    threads(1)
    alone = tiny.log_probabilities(crops)
    texts = [read.text for read in tiny.recognize(crops)]
    threads(3)
    sizes = out_of_memory_above(tiny, 1000)
    assert [read.text for read in tiny.recognize(crops)] == texts
    for found, expected in zip(tiny.log_probabilities(crops), alone, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert max(sizes) <= 3  # shared out: none of the three waits for another
    assert torch.get_num_threads() == 3
    with ThreadPoolExecutor(1) as later:
        assert later.submit(torch.get_num_threads).result() == 3


def test_threads_without_room_halve_their_batches_and_lose_nothing(
    tiny: Recognizer, threads: Callable[[int], None]
) -> None:
    crops = [drawn_line("abc"[: 1 + n % 3], width_px=500) for n in range(12)]
    expected = [read.text for read in tiny.recognize(crops)]
    threads(2)
    sizes = out_of_memory_above(tiny, 2)
    assert [read.text for read in tiny.recognize(crops)] == expected
    assert tiny._batch_px == 3 * FULL_LINE_PX // 2  # of six lines first, then of three
    assert sum(size for size in sizes if size <= 2) == len(crops)


def test_batch_without_room_is_halved_and_nothing_is_lost(
    tiny: Recognizer, threads: Callable[[int], None]
) -> None:
    threads(1)
    crops = [drawn_line("abc"[: 1 + n % 3], width_px=500) for n in range(8)]
    expected = [read.text for read in tiny.recognize(crops)]
    sizes = out_of_memory_above(tiny, 2)
    tiny._batch_px = 8 * FULL_LINE_PX
    assert [read.text for read in tiny.recognize(crops)] == expected
    assert sizes == [8, 4, 4, 2, 2, 2, 2]  # one is under way while the last is looked at
    assert tiny._batch_px < 8 * FULL_LINE_PX  # later pages start with smaller batches


def test_no_room_for_a_single_line_is_a_clear_error(tiny: Recognizer) -> None:
    out_of_memory_above(tiny, 0)
    with pytest.raises(RecognitionError, match="not enough memory on cpu to read a single line"):
        tiny.recognize([np.zeros((64, 40), np.uint8)] * 3)


def test_other_errors_of_the_network_are_not_hidden(tiny: Recognizer) -> None:
    def broken(images: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("shapes do not match")

    tiny._model.features = broken
    with pytest.raises(RuntimeError, match="shapes do not match"):
        tiny.recognize([np.zeros((64, 40), np.uint8)])


def test_batches_are_bounded_by_their_pixels(
    tiny: Recognizer, threads: Callable[[int], None]
) -> None:
    threads(1)
    tiny._batch_px = 4 * FULL_LINE_PX
    sizes = out_of_memory_above(tiny, 1000)
    tiny.recognize([np.zeros((64, 512), np.uint8)] * 9 + [np.zeros((64, 256), np.uint8)] * 9)
    assert sizes == [4, 4, 1, 8, 1]


def test_loaded_model_reads_as_the_saved_one(tiny: Recognizer, tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(path, tiny._model, ALPHABET, name="tiny", created=datetime.now(UTC))
    crops = [drawn_line("abc abc")]
    loaded = Recognizer.load(path, "cpu")
    assert (loaded.name, loaded.precision in ("fp32", "bf16")) == ("tiny", True)
    exact = Recognizer.load(path, "cpu", "fp32")
    torch.testing.assert_close(logits_of(exact, crops), logits_of(tiny, crops))


def test_wrong_precision_is_refused_before_the_model_is_read(tmp_path: Path) -> None:
    with pytest.raises(RecognitionError, match="int8"):
        Recognizer.load(tmp_path / "missing.safetensors", "cpu", "int8")
    with pytest.raises(CheckpointError, match="missing.safetensors"):
        Recognizer.load(tmp_path / "missing.safetensors", "cpu")


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_network_with_weights_of_16_bits_reads_nearly_as_the_exact_one(
    shipped: Recognizer, drawn: list[np.ndarray], monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    # What a GPU takes; a CPU computes it too, only slowly.
    monkeypatch.setattr("htr.recognizer.casts_weights", lambda _: True)
    exact, short = (
        Recognizer(shipped._model, shipped.config, shipped.alphabet, precision=one)
        for one in ("fp32", "bf16")
    )
    short.precision = precision
    expected = logits_of(exact, drawn[:1]).softmax(-1)
    found = logits_of(short, drawn[:1])
    assert found.dtype == torch.float32
    assert not torch.equal(found.softmax(-1), expected)
    torch.testing.assert_close(found.softmax(-1), expected, atol=0.15, rtol=0)
    assert next(shipped._model.parameters()).dtype == torch.float32


def test_only_the_network_of_the_chosen_precision_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("htr.recognizer.casts_weights", lambda _: True)
    monkeypatch.setattr("htr.recognizer.precision_candidates", lambda _: ("fp32", "bf16"))

    def choose(_key: object, candidates: Sequence[str], compute: Compute, _clock: object) -> str:
        for precision in candidates:
            compute(precision)
        return "fp32"

    monkeypatch.setattr("htr.recognizer.measured_precision", choose)
    recognizer = Recognizer(tiny_model(), TINY, ALPHABET, precision="auto")
    assert recognizer.precision == "fp32"
    assert recognizer._short_networks == {}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_gpu_reads_as_the_cpu_does(
    shipped: Recognizer, drawn: list[np.ndarray], precision: str
) -> None:
    gpu = Recognizer.load(default_model_path(), "cuda", precision)
    expected = [read.text for read in shipped.recognize(drawn)]
    together = [read.text for read in gpu.recognize(drawn * 8)][: len(drawn)]
    assert together == [read.text for read in gpu.recognize(drawn, batch_lines=1)]
    if precision == "fp32":
        assert together == expected


def beam_of(*texts: str, weight: float = 0.5, characters=ALPHABET.characters) -> BeamSearch:
    return BeamSearch(build_character_model(texts, characters), BeamSettings(weight=weight))


def test_a_search_reads_with_the_language_model(drawn: list[np.ndarray]) -> None:
    greedy = Recognizer(tiny_model(), TINY, ALPHABET).recognize(drawn)
    told = Recognizer(
        tiny_model(), TINY, ALPHABET, beam=beam_of("abc abc dab", weight=3.0)
    ).recognize(drawn)
    assert [line.text for line in told] != [line.text for line in greedy]
    for line, crop in zip(told, drawn, strict=True):
        assert line.text == "".join(character.text for character in line.characters)
        assert not line.text.startswith(" ") and "  " not in line.text
        assert 0 <= line.confidence <= 1
        assert all(0 <= c.start_px < c.end_px <= crop.shape[1] for c in line.characters)


def test_a_search_of_the_network_alone_is_the_same_alone_and_in_a_batch(
    drawn: list[np.ndarray],
) -> None:
    reader = Recognizer(tiny_model(), TINY, ALPHABET, beam=beam_of("abc"))
    together = reader.recognize([*drawn, np.zeros((0, 5), np.uint8)])
    assert [line.text for line in together[:-1]] == [
        reader.recognize([line])[0].text for line in drawn
    ]
    assert together[-1] == EMPTY_TRANSCRIPT


def test_a_language_model_of_another_alphabet_is_refused() -> None:
    with pytest.raises(RecognitionError, match="another alphabet than that of model 'mine'"):
        Recognizer(
            tiny_model(), TINY, ALPHABET, name="mine", beam=beam_of("ab", characters=tuple("ab"))
        )


def test_combining_marks_join_their_letter_when_searching() -> None:
    from htr.alphabet import Alphabet
    from htr.decode import transcribe

    alphabet = Alphabet((" ", "m", "\u0303"))
    beam = beam_of("m\u0303m", characters=alphabet.characters)
    logits = np.log(np.eye(4)[[2, 0, 3, 0, 2]] * 0.9 + 0.02)[None]
    (read,) = transcribe(beam.find_spikes(logits), 1, alphabet, [20], [20])
    assert read.text == "m\u0303m"
    assert [character.text for character in read.characters] == ["m\u0303", "m"]


def test_temperature_moves_confidences_and_not_the_text(drawn: list[np.ndarray]) -> None:
    plain, soft = (
        Recognizer(tiny_model(), TINY, ALPHABET, temperature=t).recognize(drawn) for t in (1.0, 3.0)
    )
    assert [line.text for line in soft] == [line.text for line in plain]
    assert all(a.confidence < b.confidence for a, b in zip(soft, plain, strict=True) if b.text)


def test_a_model_file_brings_its_temperature(tmp_path: Path, drawn: list[np.ndarray]) -> None:
    read = []
    for name, metrics in (("plain", {}), ("soft", {"temperature": 3.0})):
        path = tmp_path / f"{name}.safetensors"
        save_checkpoint(
            path, tiny_model(), ALPHABET, name="t", created=datetime.now(UTC), metrics=metrics
        )
        read.append(Recognizer.load(path, "cpu", "fp32").recognize(drawn))
    assert read[1][0].confidence < read[0][0].confidence


def test_log_probabilities_are_those_that_are_read_from(drawn: list[np.ndarray]) -> None:
    reader = Recognizer(tiny_model(), TINY, ALPHABET)
    shares: list[float] = []
    found = reader.log_probabilities([*drawn, np.zeros((64, 0), np.uint8)], shares.append)
    assert found[-1].shape == (0, ALPHABET.classes)
    assert shares[-1] == 1.0
    from htr.decode import decode_lines

    for values, crop in zip(found[:-1], drawn, strict=True):
        assert np.exp(values).sum(axis=1) == pytest.approx(1.0, abs=1e-4)
        width = crop.shape[1]
        (again,) = decode_lines(values[None], ALPHABET, [width], [width])
        assert again.text == reader.recognize([crop])[0].text
