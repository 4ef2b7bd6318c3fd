"""From models and images to a zoo."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy

from ._extras import need
from .features import FeatureReader
from .images import Images, open_images, stratified
from .loading import batches, require_good
from .models import Candidate, Opened, candidates
from .store import Record, RowFile
from .warm import held_out_rows, probe_accuracy, warm_up


@dataclass
class Extraction:
    """What ``extract`` did."""

    folder: Path
    """The zoo."""
    dataset: str
    """Its name in the zoo."""
    models: list[dict[str, Any]] = field(default_factory=list)
    """Entries of extraction.json, one for each model and layer."""
    kept: list[str] = field(default_factory=list)
    """Models that were there already."""

    def __str__(self) -> str:
        lines = [
            f"{self.folder}: {self.dataset}, {len(self.models)} models"
            + (f", {len(self.kept)} of them kept" if self.kept else "")
        ]
        for entry in self.models:
            lines.append(
                f"  {entry['model']:<32} {entry['rows']:>7,} x {entry['dims']:<6,}"
                f" {entry['parameters'] / 1e6:8.1f} M parameters  {entry['milliseconds_per_image']:9.2f} ms an image"
            )
        return "\n".join(lines)


@dataclass(frozen=True)
class Options:
    """How a model is run."""

    batch_size: int
    workers: int
    device: str
    half: bool
    layers: tuple[str, ...]
    skip_bad: bool
    seed: int
    progress: bool


def extract(
    models: str | Sequence[str] | Mapping[str, Any],
    images: Any,
    out: str | os.PathLike[str],
    *,
    name: str | None = None,
    layers: str | Sequence[str] = (),
    limit: int | None = None,
    seed: int = 0,
    batch_size: int = 64,
    workers: int | None = None,
    device: str = "auto",
    half: bool | None = None,
    pretrained: bool = True,
    transform: Any = None,
    skip_bad: bool = False,
    warm_epochs: int = 0,
    split: str = "train",
    root: str | None = None,
    image_key: str = "",
    label_key: str = "",
    progress: bool = True,
) -> Extraction:
    """Runs images through models once and writes features, labels and source logits as a zoo that ``rank_zoo`` reads.

    Parameters
    ----------
    models
        Names and patterns, ``"resnet*,vit_base*"``: timm's, or with a prefix ``torchvision:resnet18``,
        ``hf:owner/model``. Or {name: nn.Module}, with ``transform`` where it is no timm model: one function PIL image
        -> tensor [3, H, W], or one per name.
    images
        A folder with a folder per class (or ``split`` between the two), ``torchvision:NAME`` with ``root``,
        ``hf:NAME``, a data set of either library, or a sequence of (image, label) pairs.
    out
        The folder of the zoo. A model that is finished there is not run again; other rows under the same name are
        refused.
    name
        Of the data set in the zoo; default: the folder's. Underscores become dashes.
    layers
        Patterns of module names, ``"layer3"``, whose pooled outputs become models of their own, ``resnet50.layer3``.
    limit
        About so many images, each class with its share.
    half
        Mixed precision; default: on a GPU. Features are float16 then, else float32.
    pretrained
        False: random weights, as a control.
    skip_bad
        Leaves out images that cannot be read, and names them in the record, instead of raising ValueError.
    warm_epochs
        An experiment: each model also as ``name+warmN``, fine-tuned for N epochs (AdamW, warm-up, cosine) on four
        fifths of the rows. Both are written, over the other fifth only, as the data set ``{name}-heldout``.

    ``extraction.json`` beside the files holds revisions, preprocessing, parameter counts and milliseconds per image.
    Raises ValueError for bad input, ImportError where a package is missing, which says what to install.
    """
    need("torch")
    chosen = candidates(models, pretrained=pretrained, transform=transform)
    data = open_images(images, name=name, split=split, root=root, image_key=image_key, label_key=label_key)
    if limit is not None:
        data = data.only(stratified(data.labels, limit, seed))
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    record = Record(folder)
    record.dataset(
        data.name,
        {
            "source": data.source,
            "images": len(data),
            "classes": data.classes,
            "limit": limit,
            "seed": seed,
            "rows": data.fingerprint(),
        },
    )
    options = _options(batch_size, workers, device, half, layers, skip_bad, seed, progress)
    done = Extraction(folder, data.name)
    seen: set[str] = set()
    for candidate in chosen:
        for entry, kept in _finished(candidate, data, record, options, seen):
            done.models.append(entry)
            if kept:
                done.kept.append(entry["model"])
        if warm_epochs:
            done.models += _warmed(candidate, data, record, options, warm_epochs)
    for pattern in options.layers:
        if not any(fnmatchcase(layer, pattern) for layer in seen):
            warnings.warn(f"layers: no model has a layer {pattern!r}", UserWarning, stacklevel=2)
    return done


def _options(
    batch_size: int,
    workers: int | None,
    device: str,
    half: bool | None,
    layers: str | Sequence[str],
    skip_bad: bool,
    seed: int,
    progress: bool,
) -> Options:
    torch = need("torch")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"device: torch finds no GPU for {device!r}; pass cpu")
    on_gpu = device.startswith("cuda")
    if workers is None:  # a GPU waits for images; on a CPU workers and the model want the same cores
        workers = min(8, len(os.sched_getaffinity(0))) if on_gpu else 0
    patterns = tuple(
        part.strip() for part in (layers.split(",") if isinstance(layers, str) else layers) if part.strip()
    )
    return Options(batch_size, workers, device, on_gpu if half is None else half, patterns, skip_bad, seed, progress)


def _finished(
    candidate: Candidate, data: Images, record: Record, options: Options, seen: set[str]
) -> Iterator[tuple[dict[str, Any], bool]]:
    """The model's entries, and whether they were there already."""
    known = record.find(candidate.name, data.name)
    if known is not None and all(layer in known.get("layers_asked", []) for layer in options.layers):
        mine = [known] + [
            found for layer in known["layers"] if (found := record.find(f"{candidate.name}.{layer}", data.name))
        ]
        if len(mine) == 1 + len(known["layers"]):
            seen.update(known["layers"])
            yield from ((entry, True) for entry in mine)
            return
    for entry in _run(candidate.name, candidate.source, candidate.open(), data, record, options):
        if "layer" in entry:
            seen.add(entry["layer"])
        yield entry, False


def _run(
    name: str,
    source: str,
    opened: Opened,
    data: Images,
    record: Record,
    options: Options,
    extra: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """One pass over the images; enters the model and its layers, with ``extra`` facts."""
    torch = need("torch")
    dataset = data.name
    module = opened.module.to(options.device)
    files: dict[str, RowFile] = {}
    in_model = 0.0
    rows: list[int] = []
    bad: list[str] = []
    reader: FeatureReader | None = None

    def put(key: str, values: Any) -> None:
        if key not in files:
            files[key] = RowFile(record.file.parent / key, "<f2" if options.half else "<f4")
        files[key].append(values.float().cpu().numpy())

    start = time.perf_counter()
    try:
        with torch.inference_mode(), _bar(name, len(data), options.progress) as advance:
            precision = torch.autocast(options.device.partition(":")[0]) if options.half else nullcontext()
            for batch in batches(data, opened.preprocess, options.batch_size, options.workers):
                if not options.skip_bad:
                    require_good(data, batch)
                bad += [data.describe(i) for i, _ in batch.bad]
                if batch.rows:
                    pixels = batch.pixels.to(options.device)
                    if reader is None:
                        reader = FeatureReader(module, pixels[:1], options.layers)
                    begin = time.perf_counter()
                    with precision:
                        features, logits, layers = reader(pixels)
                    if options.device.startswith("cuda"):
                        torch.cuda.synchronize()
                    in_model += time.perf_counter() - begin
                    rows += batch.rows
                    put(f"{name}_{dataset}_feature.npy", features)
                    if logits is not None:
                        put(f"{name}_{dataset}_output.npy", logits)
                    for layer, values in layers.items():
                        put(f"{name}.{layer}_{dataset}_feature.npy", values)
                advance(len(batch.rows) + len(batch.bad))
        if reader is None or not rows:
            raise ValueError(f"{data.source}: none of its images could be read")
        if bad and numpy.bincount(data.labels[rows], minlength=len(data.classes)).min() < 2:
            raise ValueError(
                f"{data.source}: a class has fewer than two images left without the {len(bad)} that cannot be read"
            )
        labels = data.labels[rows].astype(numpy.int32)
        found = reader.layers
        for model in [name, *(f"{name}.{layer}" for layer in found)]:
            key = f"{model}_{dataset}_label.npy"
            files[key] = RowFile(record.file.parent / key, "<i4")
            files[key].append(labels)
        for file in files.values():
            file.finish()
    finally:
        for file in files.values():
            file.discard()
        if reader is not None:
            reader.close()
    seconds = time.perf_counter() - start
    entries = []
    for layer in ["", *found]:
        model = f"{name}.{layer}" if layer else name
        feature = f"{model}_{dataset}_feature.npy"
        mine = [key for key in files if key.startswith(f"{model}_{dataset}_")]
        entry: dict[str, Any] = {
            "model": model,
            "dataset": dataset,
            "source": source,
            "revision": opened.revision,
            "preprocessing": opened.preprocessing,
            "parameters": sum(parameter.numel() for parameter in module.parameters()),
            "milliseconds_per_image": 1e3 * in_model / len(rows),
            "seconds": seconds,
            "share_in_model": in_model / seconds,
            "device": options.device,
            "precision": "float16" if options.half else "float32",
            "rows": files[feature].rows,
            "dims": files[feature].cols,
            "bad_images": bad,
            "files": sorted(mine),
        }
        if layer:
            entry["layer"] = layer
        else:
            entry.update(layers=found, layers_asked=list(options.layers))
        entry.update(extra or {})
        entries.append(entry)
    for entry in reversed(entries):  # the model itself last: it says that all are there
        record.add(entry)
    return entries


def _warmed(candidate: Candidate, data: Images, record: Record, options: Options, epochs: int) -> list[dict[str, Any]]:
    """The held-out rows of the frozen model and of the model after a few epochs, as a data set of their own."""
    name = f"{candidate.name}+warm{epochs}"
    held = held_out_rows(data.labels, options.seed)
    shown = replace(data.only(numpy.flatnonzero(held)), name=f"{data.name}-heldout")
    frozen, warm = record.find(candidate.name, shown.name), record.find(name, shown.name)
    if frozen is not None and warm is not None:
        return [frozen, warm]
    base = record.find(candidate.name, data.name)
    if base is None or base["bad_images"]:
        raise ValueError(f"{candidate.name}: warm epochs need images that can all be read")
    options = replace(options, layers=())
    everything = numpy.load(record.file.parent / f"{candidate.name}_{data.name}_feature.npy")
    facts: dict[str, Any] = {"probe_accuracy": probe_accuracy(everything, data.labels, held)}
    opened = candidate.open()
    entries = _run(candidate.name, candidate.source, opened, shown, record, options, facts)
    warmed = warm_up(
        opened,
        data,
        held,
        epochs=epochs,
        batch_size=options.batch_size,
        workers=options.workers,
        device=options.device,
        seed=options.seed,
    )
    facts = {"warm_epochs": warmed.epochs, "warm_seconds": warmed.seconds, "warm_accuracy": warmed.accuracy}
    return entries + _run(name, candidate.source, opened, shown, record, options, facts)


@contextmanager
def _bar(name: str, total: int, visible: bool) -> Iterator[Any]:
    """tqdm's bar, with its time left, where it is installed and wanted."""
    bar = None
    if visible:
        try:
            from tqdm.auto import tqdm

            bar = tqdm(total=total, desc=name, unit="image")
        except ImportError:
            pass
    try:
        yield bar.update if bar is not None else lambda count: None
    finally:
        if bar is not None:
            bar.close()
