"""Scores against the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from . import _core


@dataclass(frozen=True)
class Agreement:
    """How well scores order models as the truth does; None where it is undefined, for a single model say.

    ``tau_w`` is the weighted rank correlation of the paper's eq. 1, ``tau_w_scipy`` that of
    ``scipy.stats.weightedtau``,
    ``rel_at_k`` the best true value among the k best-scored models over the best of all. ``fixed_order``: the tau_w of
    one order of the models, by their truth on the other data sets.
    """

    models: int
    tau_w: float | None
    tau_w_scipy: float | None
    kendall: float | None
    spearman: float | None
    pearson: float | None
    rel_at_1: float | None
    rel_at_3: float | None
    tau_w_interval: tuple[float, float] | None = None
    fixed_order: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The same as a dict."""
        return asdict(self)


def agreement(
    scores: Mapping[str, float] | Sequence[float],
    truth: Mapping[str, float] | Sequence[float],
    *,
    bootstrap: int = 0,
    seed: int = 0,
) -> Agreement:
    """Agreement of scores with the truth, both larger for better models.

    Two mappings from model to number are joined by name, over the models that both know; two sequences by position.
    ``bootstrap`` resamples of the models give a 95 % interval of ``tau_w``.

    Raises ValueError for sequences of different lengths and for mappings without a common model.

    >>> agreement([0.1, 0.5, 0.9], [60.0, 70.0, 90.0]).tau_w
    1.0
    >>> agreement({"a": 3, "b": 2, "c": 1}, {"a": 80, "b": 90, "d": 10}).models
    2
    """
    if isinstance(scores, Mapping) and isinstance(truth, Mapping):
        names = [name for name in scores if name in truth]
        if not names:
            raise ValueError("scores and truth: have no model in common; compare the spelling of names")
        left, right = [scores[name] for name in names], [truth[name] for name in names]
    elif isinstance(scores, Mapping) or isinstance(truth, Mapping):
        raise TypeError("scores and truth: one has names and the other has none; pass two mappings or two sequences")
    else:
        left, right = list(scores), list(truth)
        if len(left) != len(right):
            raise ValueError(
                f"scores and truth: {len(left)} scores and {len(right)} true values; one of each is needed per model"
            )
    left, right = [float(value) for value in left], [float(value) for value in right]
    if any(value != value or value in (float("inf"), float("-inf")) for value in left + right):
        raise ValueError("scores and truth: hold a NaN or an infinity; leave that model out")
    return Agreement(**_core.agreement(left, right, bootstrap, seed))
