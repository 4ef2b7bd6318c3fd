"""The share of an extraction that the model takes: 2,000 made photographs, 500 x 375, as JPEG; EfficientNet-Lite0.

    build/venv/bin/python bench/extraction_share.py [--images 2000] [--out bench/results/extraction_share.json]

Random weights: they cost what others cost. The rest is reading, decoding, scaling and writing.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy
from PIL import Image

import itm_rank


def make(folder: Path, images: int) -> None:
    """Smooth colours with some grain, as a camera's files have."""
    random = numpy.random.default_rng(0)
    for i in range(images):
        place = folder / f"class{i % 4}"
        place.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(random.integers(0, 256, (24, 32, 3), numpy.uint8)).resize((500, 375), Image.BICUBIC)
        grain = numpy.asarray(coarse, numpy.int16) + random.integers(-12, 13, (375, 500, 1), numpy.int16)
        Image.fromarray(grain.clip(0, 255).astype(numpy.uint8)).save(place / f"{i:05}.jpg", quality=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder / "photos", given.images)
        asked = {"pretrained": False, "progress": False}
        entry = itm_rank.extract("efficientnet_lite0", folder / "photos", folder / "zoo", **asked).models[0]
    share = entry["share_in_model"]
    facts = ("model", "rows", "device", "milliseconds_per_image", "seconds", "share_in_model")
    result = {key: entry[key] for key in facts}
    print(json.dumps(result, indent=1))
    if given.out:
        given.out.write_text(json.dumps(result, indent=1) + "\n")
    assert share >= 0.9, f"{100 * share:.1f} % of the time in the model"


if __name__ == "__main__":
    main()
