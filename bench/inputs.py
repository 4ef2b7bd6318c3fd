"""The files of one model that the benchmarks of the methods score, and the command that scores them."""

import functools
import json
import pathlib
import subprocess

import numpy as np

from common import seconds

ROWS, DIMS, CLASSES, SOURCE_CLASSES = 5_000, 768, 100, 1_000
PARC_ROWS, PARC_DIMS = 2_000, 32


def make_inputs(folder):
    """One model's files: float32 features with a decaying spectrum, classes that differ in its leading directions."""
    random = np.random.default_rng(0)
    labels = random.permutation(np.arange(ROWS) % CLASSES)
    deviation = (1.0 + np.arange(DIMS)) ** -0.5
    # The within-class variance at which SFDA's shrinkage is neither 0 nor 1.
    deviation *= np.sqrt(2 / np.sum(deviation**2))
    basis, _ = np.linalg.qr(random.standard_normal((DIMS, DIMS)))
    means = np.zeros((CLASSES, DIMS))
    means[:, :32] = 0.8 * random.standard_normal((CLASSES, 32))
    features = (random.standard_normal((ROWS, DIMS)) + means[labels]) * deviation @ basis
    source = random.standard_normal((ROWS, DIMS)) * deviation @ basis
    logits = 3 * features @ random.standard_normal((DIMS, SOURCE_CLASSES))
    arrays = {"feature": features, "output": logits, "source": source, "parc_feature": features[:PARC_ROWS]}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array.astype(np.float32))
    np.save(folder / "label.npy", labels)
    np.save(folder / "parc_label.npy", labels[:PARC_ROWS])


@functools.cache
def without_errors(itm):
    """Options for the score alone: its error, from rows left out in turn, is more than the published algorithms compute."""
    text = subprocess.run([itm, "score", "--help-all"], capture_output=True, text=True).stdout
    return ("--jackknife", "0") if "--jackknife" in text else ()


def time_score(itm, folder: pathlib.Path, method: str, inputs: tuple, options: tuple = ()):
    """Seconds of `itm score` on one thread, seconds it reports, its JSON. `inputs`: names of the files of make_inputs."""
    files = {"--feature": "feature", "--label": "label"}
    for kind in ("output", "source"):
        if kind in inputs:
            files[f"--{kind}"] = kind
    if "parc_feature" in inputs:
        files = {option: f"parc_{kind}" for option, kind in files.items()}
    command = [itm, "score", "--method", method, "--threads", "1", "--format", "json", *options, *without_errors(itm)]
    for option, kind in files.items():
        command += [option, str(folder / f"{kind}.npy")]
    elapsed, text = seconds(command)
    result = json.loads(text)
    return elapsed, result["seconds"], result
