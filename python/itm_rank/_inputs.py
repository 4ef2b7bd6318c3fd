"""What users pass, as the extension module takes it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy

from . import _core


def as_features(array: Any, name: str) -> Any:
    """The array itself where the module can read it in place, else the nearest thing to it."""
    detach = getattr(array, "detach", None)
    if callable(detach):  # a tensor that autograd watches gives its memory to nobody
        array = detach()
    if getattr(array, "is_cuda", False):
        array = array.cpu()
    if hasattr(array, "__dlpack__") and not isinstance(array, numpy.ndarray):
        return array
    try:
        made = numpy.asarray(array)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name}: is no array of numbers ({error}); pass a NumPy array or anything with __dlpack__"
        ) from None
    if made.dtype.kind not in "fiub":
        raise TypeError(f"{name}: has elements of type {made.dtype}; features are real numbers")
    return made if made.dtype.isnative else made.astype(made.dtype.newbyteorder("="))


def as_labels(labels: Any) -> numpy.ndarray:
    """Integers as they are, words and truth values by their sorted order."""
    if callable(getattr(labels, "cpu", None)):
        labels = labels.cpu()
    made = numpy.asarray(labels)
    if made.ndim != 1:
        raise ValueError(f"labels: have the shape {list(made.shape)}; one label for every row is needed, [N]")
    if made.dtype.kind in "USOb":
        made = numpy.unique(made, return_inverse=True)[1]
    elif made.dtype.kind == "f":
        if not numpy.array_equal(made, numpy.trunc(made)):
            raise ValueError("labels: are not whole numbers; pass regression targets as targets=")
    elif made.dtype.kind not in "iu":
        raise TypeError(f"labels: have elements of type {made.dtype}; whole numbers or words are needed")
    return numpy.ascontiguousarray(made, dtype=numpy.int64)


def as_truth(truth: Mapping[str, float] | None) -> dict[str, float] | None:
    """Accuracies in percent by model; NaN stands for unknown."""
    if truth is None:
        return None
    given = {str(name): float(value) for name, value in dict(truth).items()}
    return {name: value for name, value in given.items() if value == value}


def as_settings(settings: Mapping[str, Any]) -> list[tuple[str, float | str]]:
    """Keyword arguments as settings of the command line: ``batch_size`` is ``--batch-size``."""
    own = {
        f"{method['name']}_{setting['name'].replace('-', '_')}": f"{method['name']}-{setting['name']}"
        for method in _core.methods()
        for setting in method["settings"]
    }
    made: list[tuple[str, float | str]] = []
    for key, value in settings.items():
        if isinstance(value, (bool, numpy.bool_)):
            value = "on" if value else "off"
        elif isinstance(value, (int, float, numpy.number)):
            value = float(value)
        elif not isinstance(value, str):
            raise TypeError(f"{key}: {value!r} is neither a number nor a word")
        made.append((own.get(key, key.replace("_", "-")), value))
    return made


def as_methods(methods: str | list[str] | tuple[str, ...]) -> list[str]:
    """Names of methods; one may stand alone."""
    return [methods] if isinstance(methods, str) else [str(name) for name in methods]


def usable_threads(threads: int | None) -> int:
    """All cores that this process may use, where nothing else was asked for."""
    return min(len(os.sched_getaffinity(0)), 1024) if threads is None else int(threads)
