"""Rankings and their results."""

from __future__ import annotations

import html
import json
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import _core
from ._inputs import as_features, as_labels, as_settings, as_split, as_truth, on_device, usable_threads
from ._progress import Progress, reporting

if TYPE_CHECKING:
    import pandas


class Ranking:
    """What ``rank`` and ``rank_zoo`` return: prints as the table of ``itm rank``, shows itself as HTML in a notebook.

    >>> from itm_rank import rank
    >>> from itm_rank.made import made_models
    >>> result = rank(*made_models(), methods="logme", truth={"good": 90, "fair": 80, "poor": 70})
    >>> print(result)  # doctest: +ELLIPSIS
    data  logme, 200 rows, 4 classes
    ...
    >>> result.best, list(result.scores()), result.agreement().tau_w
    ('good', ['good', 'fair', 'poor'], 1.0)
    """

    def __init__(self, report: _core.Report, facts: Iterable[tuple[str, str]] = ()) -> None:
        self._report = report
        self._facts = list(facts)
        self._dict: dict[str, Any] = json.loads(report.json())

    def __str__(self) -> str:
        return self._report.table().rstrip("\n")

    __repr__ = __str__

    @property
    def datasets(self) -> list[str]:
        """Names of the data sets, in the order of the results."""
        return list(dict.fromkeys(result["dataset"] for result in self._dict["results"]))

    @property
    def methods(self) -> list[str]:
        """Names of the methods, in the order of the results."""
        return list(dict.fromkeys(result["method"] for result in self._dict["results"]))

    @property
    def best(self) -> str:
        """The best model: of the only method, or of the consensus of several (the mean of their normal scores).

        Raises ValueError where several data sets were ranked, each with a best model of its own: see ``best_of``.
        """
        return self.best_of()

    def best_of(self, dataset: str | None = None, method: str | None = None) -> str:
        """The best model of a data set by a method, or by the consensus of all. Raises ValueError where there is
        none."""
        name = self._dataset(dataset)
        if method is None and len(self.methods) > 1:
            views = [view for view in self._dict.get("consensus", []) if view["dataset"] == name and view["models"]]
            if views:
                return str(views[0]["models"][0]["model"])
        models = self._result(name, method)["models"]
        if not models:
            raise ValueError(f"{name}: no model was scored")
        return str(models[0]["model"])

    def scores(self, method: str | None = None, dataset: str | None = None) -> dict[str, float]:
        """Model -> score, best first; of the first method where none is named."""
        return {model["model"]: model["score"] for model in self._result(self._dataset(dataset), method)["models"]}

    def agreement(self, method: str | None = None, dataset: str | None = None) -> Any:
        """Agreement with the truth (see ``itm_rank.Agreement``); None where no truth was given."""
        from ._agreement import Agreement

        found = self._result(self._dataset(dataset), method).get("agreement")
        if found is None:
            return None
        interval = found.get("tau_w_interval")
        return Agreement(**{**found, "tau_w_interval": None if interval is None else tuple(interval)})

    def to_dict(self) -> dict[str, Any]:
        """What ``itm rank --format json`` writes, as a dict of its own; ``record`` says what was asked for, see
        ``rank_from``."""
        made: dict[str, Any] = json.loads(self._report.json())
        return made

    def to_json(self) -> str:
        """The same as text."""
        return self._report.json()

    def to_csv(self) -> str:
        """What ``itm rank --format csv`` writes."""
        return self._report.csv()

    def to_pandas(self) -> pandas.DataFrame:
        """One row for every data set, method and model: rank, score, error, group, truth, seconds and the scalar
        details.

        Raises ImportError where pandas is missing.
        """
        try:
            import pandas
        except ImportError:
            raise ImportError("to_pandas() needs pandas; pip install 'itm-rank[notebook]'") from None
        rows = []
        for result in self._dict["results"]:
            for model in result["models"]:
                row = {"dataset": result["dataset"], "method": result["method"]}
                row.update(
                    {key: model.get(key) for key in ("rank", "model", "score", "error", "group", "truth", "seconds")}
                )
                details = model.get("details", {})
                row.update({key: value for key, value in details.items() if not isinstance(value, (list, dict))})
                rows.append(row)
        return pandas.DataFrame(rows)

    def to_html(self, file: str | os.PathLike[str] | None = None, title: str = "Model ranking") -> str:
        """The self-contained page of ``itm rank --html``; also written to ``file``, whole or not at all."""
        page = self._report.html(title, self._facts)
        if file is not None:
            _core.write_file(os.fspath(file), page)
        return page

    def changes_since(self, result: str | os.PathLike[str]) -> list[str]:
        """A sentence for each data set whose files are others than when the JSON or CSV ``result`` was made."""
        return self._report.changes_since(os.fspath(result))

    def _repr_html_(self) -> str:
        return "\n".join(_table(result) for result in self._dict["results"])

    def _dataset(self, name: str | None) -> str:
        names = self.datasets
        if name is None:
            if len(names) != 1:
                raise ValueError(f"several data sets were ranked, name one of them: {', '.join(names)}")
            return names[0]
        if name not in names:
            raise ValueError(f"there is no data set {name!r} in this result; it has {', '.join(names)}")
        return name

    def _result(self, dataset: str, method: str | None) -> dict[str, Any]:
        results: list[dict[str, Any]] = [result for result in self._dict["results"] if result["dataset"] == dataset]
        for result in results:
            if method is None or result["method"] == method:
                return result
        raise ValueError(f"{dataset} was not ranked by {method!r}; it was by {', '.join(r['method'] for r in results)}")


def _table(result: Mapping[str, Any]) -> str:
    """One result as a plain HTML table; every text in it is escaped."""
    has_truth = any("truth" in model for model in result["models"])
    heads = ["rank", "model", "score", "error", "same", *(["truth"] if has_truth else [])]
    rows = []
    for model in result["models"]:
        group = int(model["group"])
        cells = [
            str(model["rank"]),
            html.escape(model["model"]),
            _number(model["score"]),
            "" if model.get("error") is None else f"± {_number(model['error'])}",
            "abcdefghijklmnopqrstuvwxyz"[group - 1] if 0 < group <= 26 else str(group),
        ]
        if has_truth:
            cells.append(_number(model.get("truth")))
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    tau = (result.get("agreement") or {}).get("tau_w")
    caption = f"{result['dataset']}, {result['method']}" + ("" if tau is None else f": tau_w {tau:.3f}")
    head = "".join(f"<th>{name}</th>" for name in heads)
    return (
        f"<table><caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def rank(
    models: Mapping[str, Any],
    labels: Any = None,
    *,
    targets: Any = None,
    split: Any = None,
    methods: str | list[str] | tuple[str, ...] = "itm",
    truth: Mapping[str, float] | None = None,
    outputs: Mapping[str, Any] | None = None,
    sources: Mapping[str, Any] | None = None,
    dataset: str = "data",
    bootstrap: int = 0,
    seed: int = 0,
    threads: int | None = None,
    device: str = "auto",
    keep_going: bool = False,
    time_budget: float | None = None,
    progress: bool | Callable[[Progress], object] | None = None,
    **settings: Any,
) -> Ranking:
    """Ranks models by the features that they give for one data set; the numbers are those of ``itm rank``, bit for bit.

    Other threads of Python run meanwhile.

    Parameters
    ----------
    models
        Name -> features [N, D], one row for every image and any D: NumPy arrays, or whatever has ``__dlpack__``,
        float16, bfloat16, float32 or float64. Arrays with contiguous rows are read where they lie. A tensor in the
        memory of a GPU is copied to the host, once, to be checked; methods that run on that GPU read it where it lies
        if its rows follow one another without gaps.
    labels
        [N] whole numbers or words, at least two rows of each; the distinct values in ascending order are the classes.
    targets
        [N] or [N, T] instead of labels, for methods that take them (``methods()`` says which): numbers, or several
        labels of a row where all of them are 0 or 1.
    split
        [N] rows to train on (0, False, ``"train"``) and to validate on (1, True, ``"val"``), for methods that hold rows
        out; default: they choose.
    methods
        Names (``itm_rank.methods()``), or ``"all"``; methods that lack an input are skipped and say so.
    truth
        Name -> fine-tuned accuracy in percent, for the agreement of scores with it; models may be missing.
    outputs, sources
        Name -> logits [N, C_source] of the source head (LEEP, NCE), features [S, D] of source images (PED).
    bootstrap
        Resamples for a 95 % interval of tau_w.
    threads
        Default: the cores that this process may use. Results do not depend on it.
    device
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    keep_going
        Models that fail are left out and named in the result instead of ending the ranking.
    time_budget
        Seconds that the ranking may take, roughly: as many rows are scored as that allows, the same for all models. A
        UserWarning says how many where they are not all.
    progress
        True shows tqdm's bar where tqdm is installed; a function is called with ``Progress``, on the caller's thread.
    settings
        Options of ``itm rank`` with underscores: ``iterations=200``, ``standardise="global"``, ``repeats=3``,
        ``drop_bad_rows=True``, ``knn_k=5``.

    Raises
    ------
    ValueError
        For bad input; the sentence names model, value and remedy.
    TypeError
        For what is no array.
    RuntimeError
        For a missing device or memory.
    KeyboardInterrupt
        On Ctrl-C, at the next step of the work.

    Examples
    --------
    >>> from itm_rank.made import made_models
    >>> models, labels = made_models()
    >>> rank(models, labels, methods="logme").to_dict()["results"][0]["models"][0]["model"]
    'good'
    """
    if not isinstance(models, Mapping):
        raise TypeError("models: is no mapping; pass {name: features}")
    if (labels is None) == (targets is None):
        raise TypeError("rank() takes labels or targets, one of the two")
    outputs, sources = outputs or {}, sources or {}
    for kind, given in (("outputs", outputs), ("sources", sources)):
        for name in given:
            if name not in models:
                raise ValueError(f"{kind}: {name!r} is none of the models")
    readable = {name: as_features(features, str(name)) for name, features in models.items()}
    entries = [
        (
            str(name),
            readable[name],
            on_device(features, readable[name]) if device != "cpu" else None,
            as_features(outputs[name], f"source logits of {name}") if name in outputs else None,
            as_features(sources[name], f"source features of {name}") if name in sources else None,
        )
        for name, features in models.items()
    ]
    asked = _asked(methods, settings, seed, threads, device, keep_going, bootstrap, time_budget)
    with reporting(progress) as show:
        report = _core.rank_arrays(
            dataset,
            entries,
            None if labels is None else as_labels(labels),
            None if targets is None else as_features(targets, "targets"),
            as_split(split),
            asked,
            as_truth(truth),
            show,
        )
    _say_rows(report, time_budget)
    return Ranking(report, [("seed", str(seed))])


def rank_zoo(
    folder: str | os.PathLike[str],
    datasets: str | Sequence[str] = (),
    *,
    methods: str | list[str] | tuple[str, ...] = "itm",
    truth: str | os.PathLike[str] | None = None,
    models: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    manifest: str | os.PathLike[str] | None = None,
    feature_key: str = "feature",
    targets: bool = False,
    split: str | os.PathLike[str] | None = None,
    bootstrap: int = 0,
    seed: int = 0,
    threads: int | None = None,
    device: str = "auto",
    keep_going: bool = False,
    time_budget: float | None = None,
    progress: bool | Callable[[Progress], object] | None = None,
    **settings: Any,
) -> Ranking:
    """Ranks the models of a folder, as ``itm rank FOLDER`` does: ``{model}_{dataset}_feature.npy`` and its kin.

    What is not said here is as in ``rank``.

    Parameters
    ----------
    datasets
        Names; all where none is named.
    truth
        A CSV with a column ``model`` and one of percentages per data set.
    models, exclude
        Patterns, ``"resnet*"``: only models that one of the first fits and none of the second.
    manifest
        A CSV that names the files; default: ``zoo.csv`` of the folder where there is one.
    feature_key
        Of the features in .npz and .safetensors.
    targets
        True: where a data set has labels and targets, the targets are to be predicted.
    split
        A file that says which rows methods train on and which they are validated on, for all data sets; default:
        ``{dataset}_split.npy`` where there is one.
    """
    asked = _asked(methods, settings, seed, threads, device, keep_going, bootstrap, time_budget)
    asked.update(
        folder=os.fspath(folder),
        datasets=_listed(datasets),
        truth=None if truth is None else os.fspath(truth),
        models=_listed(models),
        exclude=_listed(exclude),
        manifest=None if manifest is None else os.fspath(manifest),
        feature_key=feature_key,
        targets=targets,
        split=None if split is None else os.fspath(split),
    )
    with reporting(progress) as show:
        report = _core.rank_folder(asked, show)
    _say_rows(report, time_budget)
    facts = [
        ("zoo", os.fspath(folder)),
        *([("truth", os.fspath(truth))] if truth is not None else []),
        ("seed", str(seed)),
    ]
    return Ranking(report, facts)


def _listed(names: str | Sequence[str]) -> list[str]:
    """One name may stand alone."""
    return [names] if isinstance(names, str) else [str(name) for name in names]


def _asked(
    methods: str | list[str] | tuple[str, ...],
    settings: Mapping[str, Any],
    seed: int,
    threads: int | None,
    device: str,
    keep_going: bool,
    bootstrap: int,
    time_budget: float | None,
) -> dict[str, Any]:
    """What arrays and folders are ranked with, as the module takes it."""
    return {
        "methods": _listed(methods),
        "settings": as_settings(settings),
        "seed": int(seed),
        "threads": usable_threads(threads),
        "device": device,
        "keep_going": keep_going,
        "bootstrap": int(bootstrap),
        "time_budget": None if time_budget is None else float(time_budget),
    }


def _say_rows(report: _core.Report, time_budget: float | None) -> None:
    """Nothing is left out in silence."""
    if report.rows:
        warnings.warn(
            f"for a time budget of {time_budget} s: {report.rows:,} rows of a data set, the same for all models",
            UserWarning,
            stacklevel=3,
        )
