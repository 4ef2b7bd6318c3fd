"""Images to batches."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple

from ._extras import need
from .images import Images

#: Batches that are prepared while the model runs on the one before them.
AHEAD = 2


class Batch(NamedTuple):
    """A batch of those images that could be read."""

    pixels: Any  #: [B, 3, H, W]
    rows: list[int]  #: their numbers
    bad: list[tuple[int, str]]  #: numbers of images that could not be read, and why


class _Prepared:
    """What a DataLoader asks: item i is (tensor or None, i, why not)."""

    def __init__(self, images: Images, preprocess: Callable[[Any], Any]) -> None:
        self.images, self.preprocess = images, preprocess

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[Any, int, str]:
        try:
            image = self.images.load(i)
        except Exception as error:  # whatever a format's reader may raise
            return None, i, " ".join(str(error).split()) or type(error).__name__
        return self.preprocess(image), i, ""


def _collate(items: list[tuple[Any, int, str]]) -> Batch:
    torch = need("torch")
    good = [(pixels, i) for pixels, i, fault in items if pixels is not None]
    bad = [(i, fault) for pixels, i, fault in items if pixels is None]
    return Batch(torch.stack([pixels for pixels, _ in good]) if good else None, [i for _, i in good], bad)


def batches(
    images: Images, preprocess: Callable[[Any], Any], batch_size: int, workers: int, order: Any = None
) -> Iterator[Batch]:
    """All images in order, or those of ``order``; raises nothing for an image that cannot be read.

    ``workers`` processes prepare them, or threads of this one where there are none: either way while the caller works
    on the batch before.
    """
    prepared = _Prepared(images, preprocess)
    if workers == 0:
        return _from_threads(prepared, batch_size, range(len(images)) if order is None else order)
    data = need("torch.utils.data")
    loader = data.DataLoader(prepared, batch_size=batch_size, num_workers=workers, collate_fn=_collate, sampler=order)
    return iter(loader)


def _from_threads(prepared: _Prepared, batch_size: int, order: Iterable[int]) -> Iterator[Batch]:
    """One thread for each four cores: it decodes and scales while the model computes. Batches come in order."""
    # Created before the first image is asked for, and joined whatever ends the loop: no thread outlives it.
    pool = ThreadPoolExecutor(max(1, len(os.sched_getaffinity(0)) // 4), "itm-images")
    waiting: deque[Future[Batch]] = deque()
    numbers = iter(order)
    try:
        while rows := list(islice(numbers, batch_size)):
            # Tasks begin in the order of submission, so the last of a batch waits only for what runs already.
            items = [pool.submit(prepared.__getitem__, i) for i in rows]
            waiting.append(pool.submit(_joined, items))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _joined(items: list[Future[tuple[Any, int, str]]]) -> Batch:
    return _collate([item.result() for item in items])


def require_good(images: Images, batch: Batch) -> None:
    """Raises ValueError that names the first image of the batch that could not be read."""
    if batch.bad:
        i, fault = batch.bad[0]
        raise ValueError(
            f"{images.describe(i)}: cannot be read as an image ({fault}); mend it, or pass skip_bad (--skip-bad)"
        )
