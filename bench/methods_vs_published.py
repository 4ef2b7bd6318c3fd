"""The scores of this project against their published algorithms, one thread each, in one run.

usage: methods_vs_published.py [ITM_BINARY] [--former ITM_BINARY] [--out FILE] [--methods a,b] [--repeats N] [--quick]
                               [--strict] [--published-only]

Per method and repetition the command `itm score` and the published algorithm (bench/published.py, in this process) take
turns; each figure is the best of its repetitions. The ratio is from files to score on both sides: loading, conversion to
float64, softmax and algorithm against the seconds that itm reports for reading, checking and scoring; neither holds what its
program takes to start (Python with numba seconds, itm about 0.01 s). Beside it stand the whole command, and the published
function alone on arrays that are ready for it. With --former the program of an earlier commit takes its turn too.

Run with a Python that has bench/requirements.txt; scripts/bench.sh makes one. Prints a table, writes JSON with --out.
"""

import published  # first: it pins the threads

import argparse
import dataclasses
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import time
from typing import Any, Callable

import numba
import numpy as np
import scipy
import scipy.special
import sklearn
import torch

from common import provenance, seconds
from inputs import CLASSES, DIMS, PARC_DIMS, PARC_ROWS, ROWS, SOURCE_CLASSES, make_inputs, time_score

def etran_parts(features, labels):
    return {"etran_energy": published.etran_energy(features), "etran_lda": published.etran_lda(features, labels)}


def seeded_nleep(features, labels):
    np.random.seed(0)
    return published.nleep(features, labels)


def seeded_ncti(features, labels):
    np.random.seed(0)
    parts = ("ncti_all_feature_nuclear", "ncti_mean_probability", "ncti_log_class_nuclear")
    return dict(zip(parts, published.ncti(features, labels)))


def seeded_pactran(features, labels):
    np.random.seed(0)
    return -published.pactran_gauss(features, labels)


def negated_dirichlet(probabilities, labels):
    return -published.pactran_dirichlet(probabilities, labels)


@dataclasses.dataclass
class Method:
    score: Callable  # the published function
    inputs: tuple = ("feature", "label")  # what it takes, in its order
    target: float | None = None  # wanted ratio
    prepare: Callable = lambda *arrays: arrays  # what comes between files and function, on float64 arrays
    options: tuple = ()  # of `itm score`, beside the files
    reference: Callable | None = None  # what itm's score is compared with, where not the published score
    drawn: bool = False  # the score hangs on draws: nothing to compare
    once: bool = False  # too slow to repeat


METHODS = {
    "logme": Method(published.logme, target=3),
    "sfda": Method(published.sfda, target=10),
    "ped": Method(published.ped, ("feature", "label", "source"), target=10),
    "parc": Method(lambda x, y: published.parc(x, y, PARC_DIMS), ("parc_feature", "parc_label"), target=15,
                   options=("--parc-dims", str(PARC_DIMS)),
                   reference=lambda x, y: published.parc(x, y, PARC_DIMS, exact_ties=True)),
    "nleep": Method(seeded_nleep, target=5, drawn=True, once=True),
    "hscore": Method(published.hscore, target=5),
    "leep": Method(published.leep, ("output", "label"), target=4,
                   prepare=lambda output, label: (scipy.special.softmax(output, axis=1), label)),
    "nce": Method(published.nce, ("output", "label"), prepare=lambda output, label: (output.argmax(axis=1), label)),
    "knn": Method(published.knn),
    "etran": Method(etran_parts),
    "ncti": Method(seeded_ncti, target=5),
    "pactran": Method(seeded_pactran, target=5),
    "pactran_dirichlet": Method(negated_dirichlet, ("output", "label"), target=5, once=True,
                                prepare=lambda output, label: (scipy.special.softmax(output, axis=1), label)),
}


def load(folder, method):
    arrays = [np.load(folder / f"{name}.npy") for name in method.inputs]
    return method.prepare(*(a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays))


def time_published(folder, method):
    """Seconds from files to score, seconds of the published function alone, score."""
    start = time.perf_counter()
    arguments = load(folder, method)
    loaded = time.perf_counter()
    score = method.score(*arguments)
    end = time.perf_counter()
    return end - start, end - loaded, score


def relative_deviation(result: dict[str, Any], expected):
    """Of itm's score, or of the worst part in its details where several numbers are expected; None where one is absent."""
    parts = expected if isinstance(expected, dict) else {"score": expected}
    found = result["details"] if isinstance(expected, dict) else result
    if any(found.get(key) is None for key in parts):
        return None
    return max(abs(found[key] - value) / max(abs(value), 1e-300) for key, value in parts.items())


def compare(arguments, folder, name, method):
    ours, theirs, former = [], [], []
    knows_it = (arguments.former and
                subprocess.run([arguments.former, "methods", name], capture_output=True).returncode == 0)
    for _ in range(1 if method.once else arguments.repeats):  # in turns, so that a change of the machine's mood meets both
        if not arguments.published_only:
            ours.append(time_score(arguments.itm, folder, name, method.inputs, method.options))
        if knows_it:
            former.append(time_score(arguments.former, folder, name, method.inputs, method.options))
        theirs.append(time_published(folder, method))
    row = {"method": name, "repeats": len(theirs), "published_score": theirs[-1][2],
           "published_seconds": min(t[0] for t in theirs), "published_algorithm_seconds": min(t[1] for t in theirs)}
    if ours:
        expected = method.reference(*load(folder, method)) if method.reference else theirs[-1][2]
        row |= {"itm_command_seconds": min(o[0] for o in ours), "itm_seconds": min(o[1] for o in ours),
                "itm_score": ours[-1][2]["score"], "target": method.target,
                "relative_deviation": None if method.drawn else relative_deviation(ours[-1][2], expected)}
        row["ratio"] = row["published_seconds"] / max(row["itm_seconds"], 1e-9)
        row["ratio_algorithm"] = row["published_algorithm_seconds"] / max(row["itm_seconds"], 1e-9)
        if former:
            row |= {"former_seconds": min(f[1] for f in former), "former_score": former[-1][2]["score"]}
            row["ratio_former"] = row["former_seconds"] / max(row["itm_seconds"], 1e-9)
        row["met"] = row["ratio"] >= (method.target or -math.inf)
    return row


def heading(published_only, with_former):
    text = f"{'method':<18}{'published s':>13}{'alone s':>10}"
    if not published_only:
        text += f"{'itm s':>9}{'command s':>11}{'ratio':>8}{'target':>8}{'alone':>8}{'deviation':>11}"
        text += f"{'former s':>10}{'former':>9}" if with_former else ""
    return text


def line(row):
    text = f"{row['method']:<18}{row['published_seconds']:>13.3f}{row['published_algorithm_seconds']:>10.3f}"
    if "ratio" not in row:
        return text
    target = f"{row['target']:g}x" if row["target"] else "-"
    deviation = f"{row['relative_deviation']:.1e}" if row["relative_deviation"] is not None else "-"
    former = f"{row['former_seconds']:>10.3f}{row['ratio_former']:>8.2f}x" if "ratio_former" in row else ""
    return (f"{text}{row['itm_seconds']:>9.3f}{row['itm_command_seconds']:>11.3f}{row['ratio']:>7.1f}x{target:>8}"
            f"{row['ratio_algorithm']:>7.1f}x{deviation:>11}{former}{'' if row['met'] else '  missed'}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("itm", nargs="?", help="the binary; not needed with --published-only")
    parser.add_argument("--former", help="the binary of an earlier commit, to be compared with")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--methods", help=f"comma-separated, of {','.join(METHODS)}; default: all")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="two repetitions, and without the slow ones unless in --methods")
    parser.add_argument("--strict", action="store_true", help="exit status 1 when a target is missed")
    parser.add_argument("--published-only", action="store_true", help="time the published side alone")
    arguments = parser.parse_args()
    if arguments.itm is None and not arguments.published_only:
        parser.error("name the itm binary, or pass --published-only")
    if arguments.quick:
        arguments.repeats = 2
    names = arguments.methods.split(",") if arguments.methods else [
        name for name, method in METHODS.items() if not (arguments.quick and method.once)]
    unknown = [name for name in names if name not in METHODS]
    if unknown:
        parser.error(f"--methods {unknown[0]}: not one of {','.join(METHODS)}")
    return arguments, names


def main():
    arguments, names = parse()
    published.compile_numba()
    print(f"N = {ROWS:,}, D = {DIMS}, C = {CLASSES}; PARC: {PARC_ROWS:,} rows, {PARC_DIMS} dims; "
          f"LEEP, NCE: {SOURCE_CLASSES:,} source classes; one thread, best of {arguments.repeats} (N-LEEP, PACTran-Dirichlet: one)")
    print(heading(arguments.published_only, arguments.former), flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make_inputs(folder)
        for method in names:
            rows.append(compare(arguments, folder, method, METHODS[method]))
            print(line(rows[-1]), flush=True)
    if arguments.out:
        libraries = {module.__name__: module.__version__ for module in (np, scipy, numba, sklearn, torch)}
        result = {**provenance("methods_vs_published"), "libraries": libraries, "rows": ROWS, "dims": DIMS,
                  "classes": CLASSES, "source_classes": SOURCE_CLASSES, "parc_rows": PARC_ROWS, "parc_dims": PARC_DIMS,
                  "methods": rows}
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")
    if arguments.strict and not all(row.get("met", True) for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
