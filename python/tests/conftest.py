"""Made images and small random models: nothing is downloaded."""

from __future__ import annotations

import numpy
import pytest

CLASSES = ("disc", "noise", "stripes")


def draw(kind: str, random: numpy.random.Generator, side: int = 40) -> numpy.ndarray:
    """An image [side, side, 3] of bytes that shows its class."""
    y, x = numpy.mgrid[:side, :side]
    if kind == "disc":
        centre = random.uniform(0.3, 0.7, 2) * side
        shape = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < (side * random.uniform(0.15, 0.3)) ** 2
    elif kind == "stripes":
        shape = (x + y * random.integers(0, 3)) // random.integers(3, 7) % 2 == 0
    else:
        shape = random.random((side, side)) > 0.5
    image = 40 + 150 * shape[..., None] * random.uniform(0.6, 1, 3) + random.normal(0, 8, (side, side, 3))
    return image.clip(0, 255).astype(numpy.uint8)


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """A folder of 3 x 20 images, a folder for each class."""
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("images") / "made_photos"
    random = numpy.random.default_rng(0)
    for kind in CLASSES:
        (folder / kind).mkdir(parents=True)
        for i in range(20):
            image.fromarray(draw(kind, random)).save(folder / kind / f"{i:02}.png")
    return folder
