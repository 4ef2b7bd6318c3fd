"""A result is a record: the same ranking again."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

from . import _core
from ._ranking import Ranking, rank, rank_zoo

#: Options of the command line whose keyword has another name or another type than text or number.
_WORDS = {"--manifest": "manifest", "--feature-key": "feature_key", "--truth": "truth", "--backend": "device"}
_LISTS = {"--dataset": "datasets", "--method": "methods", "--models": "models", "--exclude": "exclude"}
_NUMBERS = {"--bootstrap": ("bootstrap", int), "--seed": ("seed", int), "--time-budget": ("time_budget", float)}
_FLAGS = {"--keep-going": "keep_going", "--drop-bad-rows": "drop_bad_rows"}
#: How much of a machine it took, which another one may not have, and what keeps no number from being what it was.
_OF_MACHINE = {"--threads", "--device", "--memory-budget", "--no-self-check"}


def rank_from(
    result: str | os.PathLike[str], models: Mapping[str, Any] | None = None, labels: Any = None, **changes: Any
) -> Ranking:
    """Runs the ranking again that a JSON or CSV came from, of this package or of ``itm rank``: ``itm rank --from``.

    All settings are those of the record of ``result``, given or by default then; keywords of ``rank_zoo`` (or of
    ``rank``) in ``changes`` win. Paths are as they were given, relative to the folder in which the program runs.
    A ranking of arrays needs them again, as ``models`` and ``labels`` (or ``targets=``). A UserWarning names data sets
    whose files have changed meanwhile.

    Raises ValueError where the file holds no record, or one that this version cannot repeat.

    >>> import pathlib, tempfile
    >>> from itm_rank.made import made_models
    >>> models, labels = made_models()
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "ranking.json"
    >>> first = rank(models, labels, methods="knn", knn_k=3)
    >>> _ = file.write_text(first.to_json())
    >>> rank_from(file, models, labels).scores() == first.scores()
    True
    """
    asked = _keywords(result)
    asked.update(changes)
    folder = asked.pop("folder", None)
    if models is not None:
        if folder is not None:
            raise ValueError(f"{os.fspath(result)}: ranked the folder {folder}; leave out models, or call rank()")
        names = asked.pop("datasets", None) or ["data"]
        return rank(models, labels, **{"dataset": names[0], **asked})
    if folder is None:
        raise ValueError(f"{os.fspath(result)}: ranked arrays, which it does not hold; pass models and labels again")
    ranking = rank_zoo(folder, **asked)
    same_choice = not set(changes) & {"folder", "datasets", "models", "exclude", "manifest", "feature_key"}
    for change in ranking.changes_since(result) if same_choice else ():
        warnings.warn(change, UserWarning, stacklevel=2)
    return ranking


def _keywords(result: str | os.PathLike[str]) -> dict[str, Any]:
    """The record's options as keywords of ``rank_zoo``; ``folder`` where a folder was ranked."""
    file = os.fspath(result)
    record = _core.read_record(file)
    if record["command"] != "rank":
        raise ValueError(f"{file}: is a result of itm {record['command']}; pass one of itm rank")
    asked: dict[str, Any] = {}
    for name, values in record["options"].items():
        value = values[0] if values else ""
        if name == "zoo":
            asked["folder"] = value
        elif name in _LISTS:
            asked[_LISTS[name]] = values
        elif name in _WORDS:
            asked[_WORDS[name]] = value
        elif name in _NUMBERS:
            key, kind = _NUMBERS[name]
            asked[key] = kind(value)
        elif name in _FLAGS:
            asked[_FLAGS[name]] = value == "true"
        elif name == "--feature-storage":
            if value != "lossless":
                raise ValueError(f"{file}: was made with --feature-storage {value}, which only itm rank --from repeats")
        elif name not in _OF_MACHINE:
            asked[name.removeprefix("--").replace("-", "_")] = _value(value)
    return asked


def _value(text: str) -> float | str:
    """A setting's number, or its word."""
    try:
        return float(text)
    except ValueError:
        return text
