"""A model learns new characters without forgetting the numbers of the old ones."""

from __future__ import annotations

import pytest
import torch

from htr.alphabet import Alphabet
from tests.htr.tiny import ALPHABET, TINY, tiny_model
from training.errors import TrainingTextError
from training.growth import RELATED_BIAS, grow, missing_characters, related_character
from training.losses import ctc_loss, total_loss
from training.tcm import fresh_head, tcm_contexts, tcm_loss
from training.trainable import Trainable

LETTERS = Alphabet(tuple(" '\"-.&aAbcdefilnopqrstuvz12"))


def tiny_trainable(with_tcm: bool = True) -> Trainable:
    tcm = fresh_head(TINY.embed_dim, TINY.classes, seed=5) if with_tcm else None
    facts = {"name": "tiny", "created": "", "training": {}, "metrics": {}}
    return Trainable(tiny_model(), tcm, ALPHABET, TINY, facts)


@pytest.mark.parametrize(
    ("character", "related"),
    [
        ("à", "a"),
        ("ẽ", "e"),
        ("e\u0303", "e"),
        ("ǖ", "u"),
        ("q\u0303", "q"),
        ("ſ", "s"),
        ("ﬁ", "f"),
        ("…", "."),
        ("²", "2"),
        ("½", "1"),
        ("B", "b"),
        ("Ç", "c"),
        ("ﬀ", "f"),
        ("æ", "a"),
        ("ǽ", "a"),
        ("Æ", "A"),
        ("œ", "o"),
        ("ß", "s"),
        ("ø", "o"),
        ("đ", "d"),
        ("ł", "l"),
        ("Ł", "l"),
        ("þ", "p"),
        ("ð", "d"),
        ("ꝗ", "q"),
        ("ꝛ", "r"),
        ("⁊", "&"),
        ("’", "'"),
        ("´", "'"),
        ("“", '"'),
        ("«", '"'),
        ("—", "-"),
        ("\u00a0", " "),
    ],
)
def test_new_character_is_related_to_the_one_it_looks_like(character: str, related: str) -> None:
    assert related_character(character, LETTERS) == related


@pytest.mark.parametrize("character", ["\u0303", "¨", "β", "ם", "字", "g"])
def test_character_like_no_other_has_no_relative(character: str) -> None:
    assert related_character(character, LETTERS) is None


def test_nearest_known_relative_is_taken() -> None:
    assert related_character("ǖ", Alphabet(tuple("uü"))) == "ü"
    assert related_character("Ã", Alphabet(tuple("ãA"))) == "A"
    assert related_character("Ã", Alphabet(tuple("ãa"))) == "ã"
    assert related_character("ǽ", Alphabet(tuple("aæ"))) == "æ"
    assert related_character("'", Alphabet(tuple("a’"))) == "’"
    assert related_character("à", Alphabet(("b", "á", "A"))) == "A"


def test_missing_characters_are_counted_in_nfc_and_in_a_fixed_order() -> None:
    texts = ["bo\u0303 oab", "ꝗ", "", "bé", "q\u0303 õ"]
    counts = missing_characters(ALPHABET, texts)
    assert counts == {"o": 1, "q": 1, "õ": 2, "\u0303": 1, "ꝗ": 1}
    assert list(counts) == sorted(counts)
    assert list(missing_characters(ALPHABET, reversed(texts))) == list(counts)
    assert missing_characters(ALPHABET, ["abc dé"]) == {}


def test_grown_alphabet_writes_every_text() -> None:
    texts = ["bõ q\u0303", "ꝗ “a”"]
    grown = grow(tiny_trainable(), missing_characters(ALPHABET, texts))
    assert missing_characters(grown.alphabet, texts) == {}
    for text in texts:
        assert grown.alphabet.decode(grown.alphabet.encode(text)) == text
    assert grown.config.classes == grown.model.config.classes == grown.alphabet.classes


def test_old_classes_keep_their_numbers_and_scores() -> None:
    base = tiny_trainable()
    grown = grow(base, ["à", "\u0303"])
    assert grown.alphabet.characters == (*ALPHABET.characters, "à", "\u0303")
    images = torch.rand(2, 1, 64, 60, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        before, after = base.model(images), grown.model(images)
    assert after.shape[2] == before.shape[2] + 2
    torch.testing.assert_close(after[:, :, : TINY.classes], before, rtol=0, atol=1e-5)


def test_growth_does_not_change_what_is_read() -> None:
    base = tiny_trainable()
    grown = grow(base, ["à", "è", "\u0303", "字"])
    images = torch.rand(4, 1, 64, 200, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        assert torch.equal(base.model(images).argmax(2), grown.model(images).argmax(2))


def test_new_rows_start_from_the_relative_or_the_mean() -> None:
    base = tiny_trainable()
    grown = grow(base, ["à", "字"])
    a = ALPHABET.encode("a")[0]
    weight, bias = base.model.head.weight.detach(), base.model.head.bias.detach()
    assert torch.equal(grown.model.head.weight[-2], weight[a])
    assert float(grown.model.head.bias.detach()[-2] - bias[a]) == pytest.approx(
        RELATED_BIAS, abs=1e-5
    )
    torch.testing.assert_close(grown.model.head.weight[-1], weight[1:].mean(0))
    torch.testing.assert_close(grown.model.head.bias[-1], bias[1:].mean())


def test_tcm_grows_with_the_head_and_padding_stays_last() -> None:
    base = tiny_trainable()
    grown = grow(base, ["à", "字"])
    old, new = base.tcm, grown.tcm
    assert old is not None and new is not None
    assert (new.classes, new.pad, new.emb.padding_idx) == (8 + 1, 9, 9)
    assert torch.equal(new.emb.weight[:7], old.emb.weight[:7])
    assert torch.equal(new.emb.weight[7], old.emb.weight[ALPHABET.encode("a")[0]])
    torch.testing.assert_close(new.emb.weight[8], old.emb.weight[1:7].mean(0))
    assert not new.emb.weight[9].any()
    assert torch.equal(new.classifier.weight[9], old.classifier.weight[7])
    assert torch.equal(new.classifier.bias[:7], old.classifier.bias[:7])
    assert torch.equal(new.classifier.weight[7], old.classifier.weight[ALPHABET.encode("a")[0]])
    assert all(parameter.requires_grad for parameter in new.parameters())


def test_grown_model_trains_and_leaves_its_base_alone() -> None:
    base = tiny_trainable()
    head, embedding = base.model.head.weight.clone(), base.tcm.emb.weight.clone()  # type: ignore[union-attr]
    grown = grow(base, ["à"])
    assert grown.tcm is not None and base.tcm is not None
    texts = [grown.alphabet.encode("àbà"), grown.alphabet.encode("à")]
    parameters = [*grown.model.parameters(), *grown.tcm.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=0.1)
    features = grown.model.features(torch.rand(2, 1, 64, 80))
    ctc = ctc_loss(grown.model.head(features), torch.tensor([20, 20]), texts)
    contexts = tcm_contexts(texts, grown.tcm.pad)
    total_loss(ctc, tcm_loss(grown.tcm, features, contexts)).backward()
    optimizer.step()
    assert not torch.equal(grown.model.head.weight[-1], head[ALPHABET.encode("a")[0]])
    assert not grown.tcm.emb.weight[grown.tcm.pad].any()
    assert torch.equal(base.model.head.weight, head)
    assert torch.equal(base.tcm.emb.weight, embedding)


def test_known_and_repeated_characters_are_passed_over() -> None:
    grown = grow(tiny_trainable(), ["a", "à", "a\u0300", "é"])
    assert grown.alphabet.characters == (*ALPHABET.characters, "à")
    again = grow(grown, ["à"])
    assert again.alphabet == grown.alphabet
    assert again.model is not grown.model


def test_model_without_tcm_grows_too() -> None:
    grown = grow(tiny_trainable(with_tcm=False), ["à"])
    assert grown.tcm is None
    assert grown.model.head.out_features == TINY.classes + 1


@pytest.mark.parametrize(
    ("characters", "message"),
    [
        (["\n"], "cannot be written on a line"),
        ([""], "has 0 code points"),
        (["many words"], "code points"),
        ([chr(0x4E00 + number) for number in range(20_000)], "the limit is 20,000"),
    ],
)
def test_what_is_no_character_is_refused(characters: list[str], message: str) -> None:
    with pytest.raises(TrainingTextError) as caught:
        grow(tiny_trainable(), characters)
    assert message in str(caught.value)
