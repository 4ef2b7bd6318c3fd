"""Made features with a known order, for examples and tests."""

from __future__ import annotations

import numpy


def made_models(
    rows: int = 200, classes: int = 4, dims: int = 24, seed: int = 0
) -> tuple[dict[str, numpy.ndarray], numpy.ndarray]:
    """Features of three models, ``good``, ``fair`` and ``poor``, and the labels that they see more or less of.

    Returns ``({name: float32 [rows, dims]}, int64 [rows])``: noise about a mean per class, the means further apart
    for a better model.

    >>> models, labels = made_models(rows=60, classes=3)
    >>> sorted(models), models["good"].shape, labels.shape
    (['fair', 'good', 'poor'], (60, 24), (60,))
    """
    random = numpy.random.default_rng(seed)
    labels = numpy.arange(rows, dtype=numpy.int64) % classes
    models = {}
    for name, signal in {"good": 0.8, "fair": 0.4, "poor": 0.1}.items():
        means = signal * random.normal(size=(classes, dims))
        models[name] = (means[labels] + random.normal(size=(rows, dims))).astype(numpy.float32)
    return models, labels
