"""tau_w of ITM on a zoo over seeds 0-4: all models, and two groups apart (supervised by name, and the rest).

usage: zoo_agreement.py ITM_BINARY ZOO [-- OPTIONS OF itm rank]

The groups are parts of the one ranking of all models. Prints a Markdown table, as in docs/benchmarks.md.
"""

import csv
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

SEEDS = range(5)


def run(*command):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout


def main():
    itm, zoo, *options = sys.argv[1:]
    zoo = pathlib.Path(zoo)
    with open(zoo / "ground_truth.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    groups = {
        "all": [r for r in rows],
        "supervised": [r for r in rows if r["model"].startswith("sup_")],
        "self-supervised": [r for r in rows if not r["model"].startswith("sup_")],
    }
    tasks = [name for name in rows[0] if name != "model"]
    values = {group: {task: [] for task in tasks} for group in groups}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for seed in SEEDS:
            scores = folder / f"seed{seed}.json"
            run(itm, "rank", zoo, "--truth", zoo / "ground_truth.csv", "--seed", seed, "--format", "json", "--out", scores,
                *[o for o in options if o != "--"])
            for group, members in groups.items():
                truth = folder / f"{group}.csv"
                with open(truth, "w", newline="") as file:
                    writer = csv.DictWriter(file, fieldnames=["model", *tasks])
                    writer.writeheader()
                    writer.writerows(members)
                for task in tasks:
                    text = run(itm, "correlate", "--scores", scores, "--truth", truth, "--dataset", task, "--format", "json")
                    values[group][task].append(find_tau(json.loads(text)))
    print("| models | " + " | ".join(tasks) + " | mean over tasks |")
    print("| --- |" + " ---: |" * (len(tasks) + 1))
    for group, members in groups.items():
        cells = [spread(values[group][task]) for task in tasks]
        means = [statistics.mean(values[group][task][s] for task in tasks) for s in SEEDS]
        print(f"| {group} ({len(members)}) | " + " | ".join(cells) + f" | **{spread(means)}** |")


def find_tau(result):
    """The one tau_w of a correlate result."""
    if isinstance(result, dict):
        if "tau_w" in result:
            return result["tau_w"]
        result = list(result.values())
    found = [find_tau(value) for value in result if isinstance(value, (dict, list))]
    return next((value for value in found if value is not None), None)


def spread(values):
    return f"{statistics.mean(values):.2f} ± {statistics.stdev(values):.2f}"


if __name__ == "__main__":
    main()
