"""What `itm_rank.rank` costs beside `itm rank` on the same numbers: four methods, ten models.

    build/venv/bin/python bench/python_cost.py [--repeats 3] [--out bench/results/python_cost.json]

N = 20,000, D = 768, C = 100. Whole processes by turns, the start of Python included. The least processor time (user
and system) of each decides, which a busy machine changes less than the wall clock, whose ratio stands beside it; scores
are compared bit for bit.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy

from itm_rank._program import program

ROWS, DIMS, CLASSES, MODELS = 20_000, 768, 100, 10
METHODS = "itm,logme,etran,hscore"
OPTIONS = ["--dataset", "made", "--method", METHODS, "--threads", 2, "--force"]

RANK = """if True:
    import sys
    import numpy, itm_rank
    folder, out, models, methods = sys.argv[1:]
    names = [f"m{i}" for i in range(int(models))]
    features = {name: numpy.load(f"{folder}/{name}_made_feature.npy", mmap_mode="r") for name in names}
    labels = numpy.load(f"{folder}/m0_made_label.npy")
    asked = {"methods": methods.split(","), "dataset": "made", "threads": 2}
    open(out, "w").write(itm_rank.rank(features, labels, **asked).to_json())
"""


def make(folder: Path) -> None:
    """Features about class means, further apart from model to model."""
    labels = numpy.arange(ROWS) % CLASSES
    for i in range(MODELS):
        random = numpy.random.default_rng(i)
        means = 0.05 * (i + 1) * random.normal(size=(CLASSES, DIMS))
        features = means[labels] + random.normal(size=(ROWS, DIMS))
        numpy.save(folder / f"m{i}_made_feature.npy", features.astype(numpy.float32))
        numpy.save(folder / f"m{i}_made_label.npy", labels)


def cost(command: list) -> dict:
    """Seconds of one process."""
    before = os.times()
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return {"processor": used, "wall": after.elapsed - before.elapsed}


def scores(file: Path) -> dict:
    """(Method, model) -> score, of a result."""
    results = json.loads(file.read_text())["results"]
    return {(result["method"], model["model"]): model["score"] for result in results for model in result["models"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        runs = {
            "itm rank": [program(), "rank", folder, *OPTIONS, "--out", folder / "itm.json"],
            "itm_rank.rank": [sys.executable, "-c", RANK, folder, folder / "python.json", MODELS, METHODS],
        }
        measured = {run: [] for run in runs}
        for _ in range(given.repeats):
            for run, command in runs.items():
                measured[run].append(cost(command))
        same = scores(folder / "itm.json") == scores(folder / "python.json")
    least = {
        kind: {run: min(seconds[kind] for seconds in all_) for run, all_ in measured.items()}
        for kind in ("processor", "wall")
    }
    ratios = {kind: of["itm_rank.rank"] / of["itm rank"] for kind, of in least.items()}
    result = {
        "shape": {"rows": ROWS, "dims": DIMS, "classes": CLASSES, "models": MODELS},
        "methods": METHODS.split(","),
        "seconds": measured,
        "least_seconds": least,
        "ratios": ratios,
        "same_scores": same,
    }
    print(json.dumps(result, indent=1))
    if given.out:
        given.out.write_text(json.dumps(result, indent=1) + "\n")
    assert same and ratios["processor"] <= 1.05, f"same scores: {same}, ratios {ratios}"


if __name__ == "__main__":
    main()
