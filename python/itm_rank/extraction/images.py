"""Labelled images: folders, torchvision and Hugging Face data sets, or pairs."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy

from ._extras import need


@dataclass(frozen=True)
class Images:
    """N labelled images, opened one at a time."""

    name: str  #: of the data set, as files carry it: without underscores
    labels: numpy.ndarray  #: int64 [N], 0 .. C-1
    classes: list[str]  #: C names
    load: Callable[[int], Any]  #: number -> PIL image; raises what the format does
    describe: Callable[[int], str]  #: number -> what a person finds the image by
    source: str  #: where they come from
    concurrent: bool = False  #: ``load`` may be called from several threads at once

    def __len__(self) -> int:
        return len(self.labels)

    def only(self, rows: numpy.ndarray) -> Images:
        """The images of these numbers."""
        load, describe = self.load, self.describe
        return replace(
            self,
            labels=self.labels[rows],
            load=lambda i: load(int(rows[i])),
            describe=lambda i: describe(int(rows[i])),
        )

    def fingerprint(self) -> str:
        """Changes with the rows, their order or their labels."""
        digest = hashlib.sha256(self.labels.tobytes())
        for i in range(len(self)):
            digest.update(os.path.basename(self.describe(i)).encode())
        return digest.hexdigest()[:16]


def dataset_name(text: str) -> str:
    """A name that files can carry: an underscore would end the model's name before it."""
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", text).strip("-.") or "data"


def stratified(labels: numpy.ndarray, limit: int, seed: int) -> numpy.ndarray:
    """About ``limit`` row numbers, ascending, each class with its share of them and at least two rows where it has two.

    >>> labels = numpy.repeat([0, 1, 2], [80, 16, 4])
    >>> numpy.bincount(labels[stratified(labels, 25, seed=0)]).tolist()
    [19, 4, 2]
    """
    classes, sizes = numpy.unique(labels, return_counts=True)
    least = numpy.minimum(sizes, 2)
    if limit < least.sum():
        raise ValueError(
            f"limit: {limit} rows cannot hold two of each of {len(classes)} classes; pass at least {least.sum()}"
        )
    if limit >= len(labels):
        return numpy.arange(len(labels))
    exact = sizes * (limit / len(labels))
    take = numpy.floor(exact).astype(int)
    remainders = numpy.argsort(take - exact, kind="stable")
    take[remainders[: limit - take.sum()]] += 1
    take = numpy.maximum(take, least)
    while take.sum() > limit:  # what small classes took beyond their share, large ones give
        take[numpy.argmax(numpy.where(take > least, take, -1))] -= 1
    random = numpy.random.default_rng(seed)
    rows = [random.choice(numpy.flatnonzero(labels == c), size=n, replace=False) for c, n in zip(classes, take)]
    return numpy.sort(numpy.concatenate(rows))


def open_images(
    images: Any,
    *,
    name: str | None = None,
    split: str = "train",
    root: str | None = None,
    image_key: str = "",
    label_key: str = "",
) -> Images:
    """Images from a folder of class folders, ``torchvision:NAME``, ``hf:NAME``, an object of either library, or pairs.

    Raises ValueError that names what was given and what is missing.
    """
    if isinstance(images, (str, os.PathLike)):
        text = os.fspath(images)
        if text.startswith("torchvision:"):
            return _torchvision(text.partition(":")[2], name, split, root)
        if text.startswith("hf:"):
            data = need("datasets").load_dataset(text.partition(":")[2], split=split)
            return _hugging_face(data, name or text.partition(":")[2], image_key, label_key, text)
        return _folder(Path(text), name, split)
    if hasattr(images, "features") and hasattr(images, "column_names"):
        return _hugging_face(images, name or "data", image_key, label_key, "a data set of the datasets package")
    if hasattr(images, "__getitem__") and hasattr(images, "__len__"):
        return _pairs(images, name or type(images).__name__.lower())
    raise ValueError(f"images: {type(images).__name__} is neither a folder nor a data set of (image, label) pairs")


def _checked(images: Images) -> Images:
    """Labels 0 .. C-1 of the classes that have images, and at least two of each."""
    if len(images) == 0:
        raise ValueError(f"{images.source}: holds no images")
    present, labels = numpy.unique(images.labels, return_inverse=True)
    counts = numpy.bincount(labels)
    if len(present) < 2:
        raise ValueError(
            f"{images.source}: has images of {images.classes[int(present[0])]!r} only; at least two classes are needed"
        )
    if counts.min() < 2:
        alone = images.classes[int(present[int(counts.argmin())])]
        raise ValueError(f"{images.source}: class {alone!r} has a single image; add one or leave the class out")
    classes = [images.classes[int(c)] for c in present]
    load = images.load if images.concurrent else _one_at_a_time(images.load)
    return replace(images, labels=labels.astype(numpy.int64), classes=classes, load=load)


def _one_at_a_time(load: Callable[[int], Any]) -> Callable[[int], Any]:
    """For data sets of others, which may keep a file open."""
    turn = threading.Lock()

    def locked(i: int) -> Any:
        with turn:
            return load(i)

    return locked


def _folder(folder: Path, name: str | None, split: str) -> Images:
    vision = need("torchvision.datasets")
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder; images lie in one folder per class")
    inner = folder / split
    data_folder = inner if inner.is_dir() and any(entry.is_dir() for entry in inner.iterdir()) else folder
    endings = vision.folder.IMG_EXTENSIONS
    classes = sorted(entry.name for entry in data_folder.iterdir() if entry.is_dir())
    files: list[Path] = []
    labels: list[int] = []
    for number, label in enumerate(classes):
        found = sorted(
            path for path in (data_folder / label).rglob("*") if path.suffix.lower() in endings and path.is_file()
        )
        files += found
        labels += [number] * len(found)
    if not files:
        raise ValueError(
            f"{data_folder}: holds no images; they lie in one folder per class and end in {', '.join(endings)}"
        )
    image = need("PIL.Image")

    def load(i: int) -> Any:
        with image.open(files[i]) as opened:
            opened.load()
            return opened if opened.mode == "RGB" else opened.convert("RGB")

    made = Images(
        dataset_name(name or folder.resolve().name),
        numpy.array(labels),
        classes,
        load,
        lambda i: str(files[i]),
        str(folder),
        concurrent=True,
    )
    return _checked(made)


def _torchvision(kind: str, name: str | None, split: str, root: str | None) -> Images:
    vision = need("torchvision.datasets")
    make = getattr(vision, kind, None)
    if make is None:
        raise ValueError(f"torchvision:{kind}: torchvision has no such data set")
    if root is None:
        raise ValueError(f"torchvision:{kind}: pass the folder that holds it (root)")
    try:
        data = make(root, split=split)
    except TypeError:  # half of them have a switch instead of names
        data = make(root, train=split == "train")
    except RuntimeError as error:
        raise ValueError(f"torchvision:{kind}: {error}") from None
    return _pairs(data, name or kind.lower())


def _hugging_face(data: Any, name: str, image_key: str, label_key: str, source: str) -> Images:
    kinds = {column: type(feature).__name__ for column, feature in data.features.items()}
    image_key = image_key or next((column for column, kind in kinds.items() if kind == "Image"), "")
    label_key = label_key or next((column for column, kind in kinds.items() if kind == "ClassLabel"), "")
    if image_key not in kinds or label_key not in kinds:
        raise ValueError(
            f"{source}: has the columns {', '.join(kinds)}; say which holds images (image_key) and labels (label_key)"
        )
    values = numpy.asarray(data[label_key])
    names = getattr(data.features[label_key], "names", None)
    if names is None:
        names, values = numpy.unique(values, return_inverse=True)
    made = Images(
        dataset_name(name),
        values.astype(numpy.int64),
        [str(label) for label in names],
        lambda i: as_image(data[i][image_key]),
        lambda i: f"row {i}",
        source,
    )
    return _checked(made)


def _pairs(data: Sequence[Any], name: str) -> Images:
    labels = next(
        (getattr(data, key) for key in ("targets", "labels", "_labels") if getattr(data, key, None) is not None), None
    )
    if labels is None:
        labels = [data[i][1] for i in range(len(data))]
    classes, numbers = numpy.unique(numpy.asarray(labels), return_inverse=True)
    names = getattr(data, "classes", None)
    if names is not None and classes.dtype.kind in "iu" and len(classes) and classes.max() < len(names):
        classes = [names[int(c)] for c in classes]
    made = Images(
        dataset_name(name),
        numbers.astype(numpy.int64),
        [str(label) for label in classes],
        lambda i: as_image(data[i][0]),
        lambda i: f"image {i}",
        f"{type(data).__name__} of {len(data)} images",
    )
    return _checked(made)


def as_image(given: Any) -> Any:
    """A PIL image in RGB of an image, an array [H, W] or [H, W, 3] of bytes, or a tensor [3, H, W] in [0, 1]."""
    image = need("PIL.Image")
    if isinstance(given, image.Image):
        return given.convert("RGB")
    if type(given).__module__.startswith("torch"):
        return need("torchvision.transforms.functional").to_pil_image(given).convert("RGB")
    return image.fromarray(numpy.asarray(given)).convert("RGB")
