"""Images to batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ._extras import need
from .images import Images


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
    """All images in order, or those of ``order``; raises nothing for an image that cannot be read."""
    data = need("torch.utils.data")
    loader = data.DataLoader(
        _Prepared(images, preprocess), batch_size=batch_size, num_workers=workers, collate_fn=_collate, sampler=order
    )
    return iter(loader)


def require_good(images: Images, batch: Batch) -> None:
    """Raises ValueError that names the first image of the batch that could not be read."""
    if batch.bad:
        i, fault = batch.bad[0]
        raise ValueError(
            f"{images.describe(i)}: cannot be read as an image ({fault}); mend it, or pass skip_bad (--skip-bad)"
        )
