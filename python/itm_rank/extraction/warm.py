"""An experiment: a few epochs of fine-tuning before features are taken."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy

from ._extras import need
from .features import FeatureReader
from .images import Images
from .loading import batches, require_good
from .models import Opened

#: AdamW's rate at the top of the schedule and its decay, and the share of steps in which the rate rises.
RATE, DECAY, WARM_UP = 5e-4, 1e-2, 0.1


def held_out_rows(labels: numpy.ndarray, seed: int) -> numpy.ndarray:
    """Bool [N]: a fifth of each class, at least one row and never all of them.

    >>> held_out_rows(numpy.repeat([0, 1], [10, 3]), seed=0).sum()
    3
    """
    random = numpy.random.default_rng(seed)
    held = numpy.zeros(len(labels), bool)
    for c in numpy.unique(labels):
        rows = numpy.flatnonzero(labels == c)
        held[random.choice(rows, size=max(1, round(len(rows) / 5)), replace=False)] = True
    return held


@dataclass(frozen=True)
class Warmed:
    """What the epochs cost and gave."""

    epochs: int
    seconds: float
    accuracy: float  #: of the new head on the held-out rows, in [0, 1]


def learning_rate(step: int, steps: int) -> float:
    """The share of RATE at a step: a line up, then half a cosine down.

    >>> [round(learning_rate(step, 20), 2) for step in (0, 1, 2, 11, 19)]
    [0.5, 1.0, 1.0, 0.5, 0.01]
    """
    rise = max(1, round(WARM_UP * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def warm_up(
    opened: Opened,
    images: Images,
    held: numpy.ndarray,
    *,
    epochs: int,
    batch_size: int,
    workers: int,
    device: str,
    seed: int,
) -> Warmed:
    """Fine-tunes the whole module in place on the rows that are not held out, with a new linear head; ends in eval
    mode."""
    torch = need("torch")
    torch.manual_seed(seed)
    start = time.perf_counter()
    module = opened.module.to(device)
    example = torch.stack([opened.preprocess(images.load(0))]).to(device)
    reader = FeatureReader(module, example)
    with torch.no_grad():
        dims = reader(example)[0].shape[1]
    head = torch.nn.Linear(dims, len(images.classes)).to(device)
    parameters = [*module.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=DECAY)
    train = numpy.flatnonzero(~held)
    size = min(batch_size, len(train))
    steps = epochs * (len(train) // size)
    labels = torch.from_numpy(images.labels)
    random = numpy.random.default_rng(seed)
    module.train()
    step = 0
    order: list[int] = []
    for _ in range(epochs):
        order = random.permutation(train)[: len(train) // size * size].tolist()
        for batch in batches(images, opened.preprocess, size, workers, order):
            require_good(images, batch)
            for group in optimizer.param_groups:
                group["lr"] = RATE * learning_rate(step, steps)
            loss = torch.nn.functional.cross_entropy(
                head(reader(batch.pixels.to(device))[0]), labels[batch.rows].to(device)
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
    module.eval()
    # The whole batches of the last epoch: one of a single image may have no variance.
    again = batches(images, opened.preprocess, size, workers, order)
    _settle_statistics(module, reader, (batch.pixels.to(device) for batch in again))
    right = 0
    with torch.inference_mode():
        for batch in batches(images, opened.preprocess, batch_size, workers, numpy.flatnonzero(held).tolist()):
            require_good(images, batch)
            found = head(reader(batch.pixels.to(device))[0]).argmax(1).cpu()
            right += int((found == labels[batch.rows]).sum())
    reader.close()
    return Warmed(epochs, time.perf_counter() - start, right / int(held.sum()))


def _settle_statistics(module: Any, reader: FeatureReader, pixels: Iterable[Any]) -> None:
    """Means and variances of batch normalisation, anew over these batches, under the weights as they are now.

    Running averages lag behind weights that change fast: with the momentum of 0.01 that EfficientNets have, thirty
    steps move them a quarter of the way.
    """
    torch = need("torch")
    kind = torch.nn.modules.batchnorm._BatchNorm
    layers = [layer for layer in module.modules() if isinstance(layer, kind) and layer.track_running_stats]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the mean of all batches
        layer.train()
    with torch.no_grad():
        for batch in pixels:
            reader(batch)
    for layer, momentum in zip(layers, momenta):
        layer.momentum = momentum
        layer.eval()


def probe_accuracy(features: numpy.ndarray, labels: numpy.ndarray, held: numpy.ndarray, decay: float = 1.0) -> float:
    """Accuracy on the held-out rows of a ridge probe (one-hot targets, standardised columns) fitted on the others.

    features [N, D], labels [N] in 0 .. C-1, held bool [N].
    """
    train, test = features[~held].astype(numpy.float64), features[held].astype(numpy.float64)
    mean, deviation = train.mean(0), numpy.maximum(train.std(0), 1e-6)
    train, test = (train - mean) / deviation, (test - mean) / deviation
    targets = numpy.eye(int(labels.max()) + 1)[labels[~held]]
    centre = targets.mean(0)
    gram = train @ train.T + decay * train.shape[1] * numpy.eye(len(train))  # rows are fewer than columns as a rule
    weights = train.T @ numpy.linalg.solve(gram, targets - centre)
    return float(((test @ weights + centre).argmax(1) == labels[held]).mean())
