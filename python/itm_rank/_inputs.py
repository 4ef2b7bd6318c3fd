"""What users pass, as the extension module takes it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy

from . import _core


def as_features(array: Any, name: str) -> Any:
    """The array itself where the module can read it in place, else the nearest thing to it."""
    array = _unwatched(array)
    if hasattr(array, "__dlpack__") and not isinstance(array, numpy.ndarray):
        return on_host(array, name)
    try:
        made = numpy.asarray(array)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name}: is no array of numbers ({error}); pass a NumPy array or anything with __dlpack__"
        ) from None
    if made.dtype.kind not in "fiub":
        raise TypeError(f"{name}: has elements of type {made.dtype}; features are real numbers")
    return made if made.dtype.isnative else made.astype(made.dtype.newbyteorder("="))


#: DLPack's devices whose memory the host reads where it is: the host's own, pinned and managed memory of CUDA and ROCm.
_HOST, _CUDA, _READABLE = 1, 2, frozenset({1, 3, 11, 13})


def on_host(array: Any, name: str) -> Any:
    """The array itself, or a copy in the memory of the host where it lies in that of a device.

    Torch and CuPy are asked in their own words, others by DLPack's request for a copy. Raises ValueError where an array
    offers neither.
    """
    device = _device_of(array)
    if device in _READABLE:
        return array
    for copy in ("cpu", "get"):
        if callable(getattr(array, copy, None)):
            return getattr(array, copy)()
    try:
        return numpy.from_dlpack(_Copied(array))
    except (TypeError, BufferError, RuntimeError, ValueError, AttributeError):
        raise ValueError(
            f"{name}: lies in the memory of a device (DLPack's number {device}) and offers no copy; pass a host array"
        ) from None


def on_device(array: Any, copied: Any) -> _core.OnDevice | None:
    """What an engine on a GPU reads of features that were ``copied`` to the host; None: it has to upload the copy."""
    return _core.on_device(_unwatched(array), copied) if _device_of(array) == _CUDA else None


def _unwatched(array: Any) -> Any:
    """A tensor that autograd watches gives its memory to nobody."""
    detach = getattr(array, "detach", None)
    return detach() if callable(detach) else array


def _device_of(array: Any) -> int:
    """DLPack's number of the kind of device whose memory it lies in."""
    where = getattr(array, "__dlpack_device__", None)
    return int(where()[0]) if callable(where) else _HOST


class _Copied:
    """What ``numpy.from_dlpack`` asks, answered with a copy on the host: older NumPy cannot ask for one itself."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def __dlpack_device__(self) -> tuple[int, int]:
        return _HOST, 0

    def __dlpack__(self, **_: Any) -> Any:
        return self._array.__dlpack__(dl_device=(_HOST, 0), copy=True)


def as_labels(labels: Any) -> numpy.ndarray:
    """Integers as they are, words and truth values by their sorted order."""
    if hasattr(labels, "__dlpack__") and not isinstance(labels, numpy.ndarray):
        labels = on_host(labels, "labels")
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


def as_split(split: Any) -> numpy.ndarray | None:
    """Uint8 [N], 1 where a row is held out, from what a file of a split may hold: 0 and 1, truth values, or words."""
    if split is None:
        return None
    made = numpy.asarray(split)
    if made.ndim != 1:
        raise ValueError(f"split: has the shape {list(made.shape)}; one entry for every row is needed, [N]")
    if made.dtype.kind in "US":
        words = {"train": 0, "val": 1, "validation": 1}
        unknown = [word for word in made.astype(str).tolist() if word not in words]
        if unknown:
            raise ValueError(f"split: {unknown[0]!r} is neither train nor val")
        return numpy.array([words[word] for word in made.astype(str).tolist()], numpy.uint8)
    if made.dtype.kind not in "iub" or not numpy.isin(made, (0, 1)).all():
        raise ValueError("split: holds something else than 0 (train on the row) and 1 (validate on it)")
    return numpy.ascontiguousarray(made, dtype=numpy.uint8)


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


def usable_threads(threads: int | None) -> int:
    """All cores that this process may use, where nothing else was asked for."""
    return min(len(os.sched_getaffinity(0)), 1024) if threads is None else int(threads)
