import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from htr.beam import BeamSearch, BeamSettings
from htr.character_counts import build_character_model
from htr.errors import RecognitionError
from htr.language_file import Gain, load_beam_search, read_gain, save_beam_search

CHARACTERS = tuple(" abcq")


@pytest.fixture
def model():
    language = build_character_model(["abc", "ab ab", "cab"], CHARACTERS, order=3)
    return BeamSearch(language, BeamSettings(width=9, weight=0.25, bonus=-1.0))


def alter_metadata(path, **entries):
    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
    save_file(load_file(path), path, {**metadata, **entries})


def test_a_model_returns_from_its_file_as_it_was(model, tmp_path):
    save_beam_search(tmp_path / "m.language", model)
    again = load_beam_search(tmp_path / "m.language")
    assert again.settings == model.settings
    assert (again.language.characters, again.language.order) == (CHARACTERS, 3)
    tables = zip(model.language.followers, again.language.followers, strict=True)
    for ours, theirs in tables:
        assert ours.contexts.tolist() == theirs.contexts.tolist()
        assert ours.first.tolist() == theirs.first.tolist()
        assert ours.numbers.tolist() == theirs.numbers.tolist()
        assert ours.counts.tolist() == theirs.counts.tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["m.language"]


DAMAGES = {
    "contexts out of order": ("1.contexts", lambda a: a[::-1].copy()),
    "contexts that do not fill": ("2.first", lambda a: np.append(a[:-1], a[-1] + 1)),
    "a character out of range": ("2.numbers", lambda a: a + 9),
    "a count below 1": ("0.counts", lambda a: a * 0),
    "parts of different lengths": ("1.counts", lambda a: a[1:]),
    "another kind": ("1.numbers", lambda a: a.astype(np.float32)),
}


@pytest.mark.parametrize("reason", DAMAGES)
def test_a_damaged_file_is_refused(model, tmp_path, reason):
    path = tmp_path / "m.language"
    save_beam_search(path, model)
    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
    arrays = load_file(path)
    name, damage = DAMAGES[reason]
    arrays[name] = damage(arrays[name])
    save_file(arrays, path, metadata)
    with pytest.raises(RecognitionError, match=f"m.language is not a language model.*{reason}"):
        load_beam_search(path)


@pytest.mark.parametrize(
    "settings",
    ["", "[]", "{}", '{"width": 9}',
     '{"width": 1e9, "weight": 1, "bonus": 1, "classes": 9, "least": -6}',
     '{"width": 9.5, "weight": 1, "bonus": 1, "classes": 9, "least": -6}',
     '{"width": 9, "weight": NaN, "bonus": 1, "classes": 9, "least": -6}'],
)  # fmt: skip
def test_settings_out_of_range_are_refused(model, tmp_path, settings):
    path = tmp_path / "m.language"
    save_beam_search(path, model)
    alter_metadata(path, settings=settings)
    with pytest.raises(RecognitionError, match="not a language model of this app"):
        load_beam_search(path)


def test_a_search_without_a_language_model_is_not_kept(tmp_path):
    with pytest.raises(RecognitionError, match="nothing to keep"):
        save_beam_search(tmp_path / "m", BeamSearch(None))


@pytest.mark.parametrize("order", ["0", "2000", "x"])
def test_a_heading_out_of_range_is_refused(model, tmp_path, order):
    path = tmp_path / "m.language"
    metadata = {"format": "htr-desk character model", "version": "1", "order": order,
                "characters": "[]"}  # fmt: skip
    save_file({"0.first": np.zeros(1, np.int64)}, path, metadata)
    with pytest.raises(RecognitionError, match="not a language model of this app"):
        load_beam_search(path)


def test_files_of_another_kind_are_refused(tmp_path):
    (tmp_path / "x.txt").write_bytes(b"a text that is no model")
    with pytest.raises(RecognitionError, match="not a language model"):
        load_beam_search(tmp_path / "x.txt")
    save_file({"a": np.zeros(1)}, tmp_path / "y")
    with pytest.raises(RecognitionError, match="another format"):
        load_beam_search(tmp_path / "y")
    with pytest.raises(RecognitionError, match="cannot be read: No such file"):
        load_beam_search(tmp_path / "none")


def test_what_it_brought_is_read_without_loading_it(model, tmp_path):
    gain = Gain(150, 0.117, 0.0935, 0.36, 0.27)
    save_beam_search(tmp_path / "m", model, gain)
    assert read_gain(tmp_path / "m") == (CHARACTERS, gain)
    assert load_beam_search(tmp_path / "m").settings == model.settings


@pytest.mark.parametrize(
    "gain",
    ["", "[]", "{}",
     '{"lines": 0, "cer_before": 0, "cer_after": 0, "wer_before": 0, "wer_after": 0}',
     '{"lines": 9, "cer_before": "0", "cer_after": 0, "wer_before": 0, "wer_after": 0}',
     '{"lines": 9, "cer_before": NaN, "cer_after": 0, "wer_before": 0, "wer_after": 0}'],
)  # fmt: skip
def test_a_gain_that_none_could_be_is_not_told_of(model, tmp_path, gain):
    path = tmp_path / "m"
    save_beam_search(path, model)
    alter_metadata(path, gain=gain)
    assert read_gain(path) is None
    assert load_beam_search(path).settings == model.settings


def test_nothing_is_told_of_a_file_that_is_none(tmp_path):
    (tmp_path / "m").write_bytes(b"no language model")
    assert read_gain(tmp_path / "m") is None
    assert read_gain(tmp_path / "none") is None
