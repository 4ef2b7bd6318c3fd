"""Two programs of this project against each other, method by method on one thread: what a change cost or gained.

usage: vs_former.py ITM_BINARY FORMER_BINARY [--out FILE] [--methods a,b] [--repeats N] [--at-least RATIO]

The programs take turns on the files of bench/inputs.py; each figure is the best of its repetitions, seconds that itm reports
for reading, checking and scoring one model. The ratio is former / now. With --at-least a smaller one ends with exit status 1.
Needs numpy alone.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

from common import provenance
from inputs import PARC_DIMS, make_inputs, time_score

SETTINGS = {  # method -> files beside features and labels, options
    "itm": ((), ()),
    "leep": (("output",), ()),
    "nce": (("output",), ()),
    "ped": (("source",), ()),
    "parc": (("parc_feature",), ("--parc-dims", str(PARC_DIMS))),
    "pactran_dirichlet": (("output",), ()),
}


def knows(program, method):
    return subprocess.run([program, "methods", method], capture_output=True).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("itm")
    parser.add_argument("former")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--methods", help="comma-separated; default: all that both know")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--at-least", type=float, default=0.0)
    arguments = parser.parse_args()
    listed = json.loads(
        subprocess.run([arguments.itm, "methods", "--format", "json"], capture_output=True, check=True).stdout
    )
    methods = arguments.methods.split(",") if arguments.methods else [m["name"] for m in listed["methods"]]
    rows = []
    print(f"{'method':<18}{'now s':>9}{'former s':>10}{'ratio':>8}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make_inputs(folder)
        for method in methods:
            if not knows(arguments.former, method):
                continue
            inputs, options = SETTINGS.get(method, ((), ()))
            now, former = [], []
            for _ in range(arguments.repeats):
                now.append(time_score(arguments.itm, folder, method, inputs, options)[1])
                former.append(time_score(arguments.former, folder, method, inputs, options)[1])
            row = {
                "method": method,
                "seconds": min(now),
                "former_seconds": min(former),
                "ratio": min(former) / min(now),
            }
            rows.append(row)
            print(f"{method:<18}{row['seconds']:>9.3f}{row['former_seconds']:>10.3f}{row['ratio']:>7.2f}x", flush=True)
    mean = float(np.exp(np.mean([np.log(row["ratio"]) for row in rows])))
    print(f"{'geometric mean':<37}{mean:>7.2f}x")
    if arguments.out:
        arguments.out.write_text(json.dumps({**provenance("vs_former"), "methods": rows}, indent=2) + "\n")
    if any(row["ratio"] < arguments.at_least for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
