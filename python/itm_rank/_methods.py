"""Which methods there are, and new ones."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import _core


@dataclass(frozen=True)
class MethodInfo:
    """What a method measures, reads and offers."""

    name: str
    description: str
    citation: str
    features: bool
    """Reads features."""
    output: bool
    """Reads logits of the source head."""
    source: bool
    """Reads features of source images."""
    regression: bool
    """Takes targets instead of labels."""
    seeded: bool
    """Draws random numbers."""
    on_gpu: bool
    """Has a GPU path."""
    of_company: bool
    """A score depends on the other models ranked with it."""
    settings: tuple[dict[str, Any], ...]
    """Its own: name, standard, help, words."""


def methods() -> dict[str, MethodInfo]:
    """All methods by name, in the order in which ``itm methods`` lists them.

    >>> methods()["logme"].regression
    True
    """
    return {m["name"]: MethodInfo(**{**m, "settings": tuple(m["settings"])}) for m in _core.methods()}


def register(
    name: str,
    function: Callable[..., Any],
    *,
    description: str = "",
    citation: str = "",
    regression: bool = False,
) -> None:
    """Adds a method that is written in Python; every ranking of this process can then use it by its name.

    ``function(features, labels)`` is called for each model with float features [N, D] and int32 labels [N] (float
    targets where
    ``regression`` says that it takes them) and returns its score, larger for better, or ``(score, details)``.
    Parameters named
    ``output`` [N, C_source], ``source`` [S, D] and ``seed`` are filled too: a method that has ``output`` or
    ``source`` skips models without them, one with ``seed`` is averaged over ``repeats``. What it raises becomes the
    sentence of a ValueError.

    Raises ValueError where the name is taken or not lower case.

    >>> import numpy
    >>> def spread(features, labels):
    ...     means = numpy.stack([features[labels == c].mean(0) for c in numpy.unique(labels)])
    ...     return float(means.var(0).sum() / features.var(0).sum())
    >>> if "spread" not in methods():
    ...     register("spread", spread, description="share of the variance that lies between classes")
    >>> from itm_rank import rank
    >>> from itm_rank.made import made_models
    >>> rank(*made_models(), methods="spread").best
    'good'
    """
    wanted = set(inspect.signature(function).parameters) & {"output", "source", "seed"}

    def call(features: Any, labels: Any, output: Any, source: Any, seed: int) -> tuple[float, dict[str, Any]]:
        given = {"output": output, "source": source, "seed": seed}
        result = function(features, labels, **{key: given[key] for key in wanted})
        score, details = result if isinstance(result, tuple) else (result, {})
        return float(score), {str(key): _plain(value) for key, value in dict(details).items()}

    _core.add_method(
        name,
        call,
        description or f"{name}, written in Python",
        citation or "this program",
        "output" in wanted,
        "source" in wanted,
        regression,
        "seed" in wanted,
    )


def _plain(value: Any) -> Any:
    """Numbers of NumPy as Python's own."""
    return value.item() if hasattr(value, "item") else value
