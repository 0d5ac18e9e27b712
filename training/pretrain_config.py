"""Settings of a pretraining run."""

from __future__ import annotations

from dataclasses import dataclass

from htr.model import DROPOUT

WESTERN = (
    "àáâãäåæçèéêëìíîïðñòóôõöøœùúûüýÿþß"
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØŒÙÚÛÜÝŸÞ"
    "€§°«»„“”‘’–—…[]{}<>+=*/%&@#_|~^ſ"
)
"""What texts of Western Europe and their editors need beside ASCII's letters and digits."""


@dataclass(frozen=True)
class PretrainConfig:
    """The recipe.

    How long:
        minutes: time of this run, reading and looking included, stops not counted; the learning
            rate falls to nothing over it, whatever the machine. steps: a number fixes the steps
            instead, for runs that have to be the same to the bit.
    Each step:
        batch_lines, micro_lines: lines a step, and of them computed at once; gradients add up.
        learning_rate: 1.5e-3 from nothing; less, such as 6e-4, from weights that read already.
        warmup_steps: AdamW's second moments know nothing at first.
        weight_decay, clip_norm: as usual. ema_decay: of the mean of the weights, which is kept.
        sam_rho: 0 takes plain steps; the published recipe takes 0.05, at twice the time.
        ctc_weight, tcm_weight: of the losses, the published ones; 0 trains without that head.
        dropout: of activations, and of whole branches in the last block; 0 for a short run, in
            which a small network learns too little rather than by heart.
        strength: of the distortion of lines, 0 none, 1 as in fine-tuning.
        drawn_share: of each batch, drawn by `synthesis`.
    curriculum: pairs of a share of the run, 0-1, and the longest text until then, in characters.
    look_minutes: between two readings of the validation lines. save_minutes: between checkpoints.
    """

    minutes: float = 60.0
    steps: int | None = None
    seed: int = 1
    batch_lines: int = 12
    micro_lines: int | None = None
    learning_rate: float = 1.5e-3
    warmup_steps: int = 200
    weight_decay: float = 0.02
    clip_norm: float = 5.0
    ema_decay: float = 0.998
    sam_rho: float = 0.0
    ctc_weight: float = 0.1
    tcm_weight: float = 1.0
    dropout: float = DROPOUT
    strength: float = 0.6
    drawn_share: float = 0.1
    curriculum: tuple[tuple[float, int], ...] = ()
    look_minutes: float = 15.0
    save_minutes: float = 3.0
    precision: str = "auto"

    def longest_text(self, share_done: float) -> int | None:
        """Return how long texts may be at this share of the run; None: as long as they are."""
        for until, characters in self.curriculum:
            if share_done < until:
                return characters
        return None


FROM_NOTHING = ((0.08, 20), (0.2, 45))
"""Short lines first: without them a new network takes long to find out what goes where."""
