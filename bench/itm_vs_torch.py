"""ITM in this project against the same ITM in PyTorch, whole commands in one run; then threads and a busy machine.

usage: itm_vs_torch.py ITM_BINARY ITM_BENCH_BINARY [--out FILE] [--repeats N] [--quick]

Run with a Python that has bench/requirements.txt; scripts/bench.sh makes one. Prints a table, writes JSON with --out.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

from common import HERE, provenance, seconds

BATCH, ITERATIONS, CHECKPOINTS = 256, 500, 5
SHAPES = [("CIFAR-100", 50_000, 768, 100), ("CIFAR-100", 50_000, 1280, 100), ("SUN397", 19_850, 768, 397)]
TEN_MODELS = [1024, 1280, 1280, 512, 768, 384, 768, 768, 1024, 768]  # the feature widths of the paper's zoo


def make_features(folder, model, dataset, rows, dims, classes):
    random = np.random.default_rng(dims)
    labels = np.arange(rows) % classes
    means = np.random.default_rng(1).standard_normal((classes, dims), dtype=np.float32) * 0.15
    features = random.standard_normal((rows, dims), dtype=np.float32) + means[labels]
    stem = folder / f"{model}_{dataset}"
    np.save(f"{stem}_feature.npy", features)
    np.save(f"{stem}_label.npy", labels)
    return f"{stem}_feature.npy", f"{stem}_label.npy"


def flops(rows, dims, classes):
    """Multiply-adds x 2 of the matrix products that a run with the cheaper recurrence needs."""
    b, c = BATCH, classes
    gram, factored = b * b * c * (1 + 4), 8 * b * c * c
    train = 2 * (2 * b * dims * c) + 3 * (2 * b * c * c) + min(gram, factored)
    gram, factored = b * b * c * (1 + 2), 4 * b * c * c
    validate = 2 * b * dims * c + 2 * b * c * c + (gram if b * 5 < 8 * c else factored)
    return ITERATIONS * train + CHECKPOINTS * (rows // 5) / b * validate


def sgemm_peak(binary):
    _, text = seconds([binary, "--benchmark_filter=BM_SgemmPeak", "--benchmark_format=json"])
    return json.loads(text)["benchmarks"][0]["flops"]


def one_thread(arguments, folder, peak):
    results = []
    for dataset, rows, dims, classes in SHAPES[: 1 if arguments.quick else None]:
        feature, label = make_features(folder, f"made{dims}", dataset.lower(), rows, dims, classes)
        ours = [arguments.itm, "score", "--method", "itm", "--feature", feature, "--label", label, "--threads", "1",
                "--format", "json"]
        theirs = [sys.executable, str(HERE / "torch_itm.py"), feature, label, "1"]
        single = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        our_times, their_times, phases = [], [], []
        for _ in range(arguments.repeats):  # alternating, so that a change of the machine's mood meets both
            our_times.append(seconds(ours, single)[0])
            elapsed, text = seconds(theirs, single)
            their_times.append(elapsed)
            phases.append(json.loads(text))
        best = min(range(arguments.repeats), key=lambda i: their_times[i])
        our_best, their_best = min(our_times), their_times[best]
        results.append({
            "dataset": dataset, "rows": rows, "dims": dims, "classes": classes,
            "itm_seconds": our_best, "torch_seconds": their_best, "ratio": their_best / our_best,
            "torch_without_import": their_best - phases[best]["import"],
            "ratio_without_import": (their_best - phases[best]["import"]) / our_best,
            "share_of_sgemm_peak": flops(rows, dims, classes) / our_best / peak,
        })
        os.remove(feature)
        os.remove(label)
    return results


def ten_models(arguments, folder):
    zoo = folder / "ten"
    zoo.mkdir()
    for i, dims in enumerate(TEN_MODELS):
        make_features(zoo, f"m{i}", "made", 10_000, dims, 100)
    rank = [arguments.itm, "rank", str(zoo), "--format", "json", "--threads"]
    seconds([*rank, "2"])  # files into the page cache
    alone = {t: min(seconds([*rank, str(t)])[0] for _ in range(arguments.repeats)) for t in (1, 2)}
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count())]
    try:
        busy = seconds([*rank, "2"])[0]
    finally:
        for hog in hogs:
            hog.kill()
    return {"one_thread_seconds": alone[1], "two_threads_seconds": alone[2], "speedup": alone[1] / alone[2],
            "busy_machine_seconds": busy, "busy_machine_slowdown": busy / alone[2]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("itm")
    parser.add_argument("itm_bench")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="the first shape only")
    arguments = parser.parse_args()

    peak = sgemm_peak(arguments.itm_bench)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        shapes = one_thread(arguments, folder, peak)
        threads = ten_models(arguments, folder)
    result = {**provenance("itm_vs_torch"),
              "sgemm_peak_gflops": peak / 1e9, "one_thread": shapes, "ten_models": threads}

    print(f"one thread, whole command, best of {arguments.repeats}; SGEMM peak {peak / 1e9:.0f} GFLOP/s")
    print(f"{'data set':<11}{'N':>8}{'D':>6}{'C':>5}{'itm s':>8}{'torch s':>9}{'ratio':>7}{'no import':>11}{'of peak':>9}")
    for r in shapes:
        print(f"{r['dataset']:<11}{r['rows']:>8,}{r['dims']:>6}{r['classes']:>5}{r['itm_seconds']:>8.2f}"
              f"{r['torch_seconds']:>9.2f}{r['ratio']:>6.1f}x{r['ratio_without_import']:>10.1f}x"
              f"{r['share_of_sgemm_peak']:>9.0%}")
    print(f"ten models: {threads['one_thread_seconds']:.2f} s on one thread, {threads['two_threads_seconds']:.2f} s on two "
          f"({threads['speedup']:.2f}x); beside two busy processes {threads['busy_machine_seconds']:.2f} s "
          f"({threads['busy_machine_slowdown']:.1f}x slower)")
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
