"""The measurements of docs/faq.md, on a zoo with ground truth.

    build/venv/bin/python bench/faq.py [--zoo examples/glyphs] [--out bench/results/faq.json]

Figures are tau_w against fine-tuned accuracy, the mean over the zoo's data sets, and over seeds where rows are drawn.
"""

import argparse
import csv
import json
from pathlib import Path

import numpy

import itm_rank

METHODS = ["itm", "logme", "etran", "nleep", "knn", "linear_probe"]
SEEDS = 2


def load(zoo: Path):
    """Data set -> (features by model, labels, truth by model)."""
    rows = list(csv.DictReader((zoo / "ground_truth.csv").open()))
    found = {}
    for dataset in (name for name in rows[0] if name != "model"):
        models = {row["model"]: numpy.load(zoo / f"{row['model']}_{dataset}_feature.npy") for row in rows}
        labels = numpy.load(zoo / f"{rows[0]['model']}_{dataset}_label.npy")
        found[dataset] = (models, labels, {row["model"]: float(row[dataset]) for row in rows})
    return found


def taus(models, labels, truth, methods=METHODS, **options):
    """Method -> tau_w."""
    ranking = itm_rank.rank(models, labels, methods=methods, truth=truth, **options)
    return {method: ranking.agreement(method).tau_w for method in methods}


def mean(dicts):
    """The mean of dicts of numbers, key by key."""
    return {key: float(numpy.mean([d[key] for d in dicts])) for key in dicts[0]}


def some_rows(labels, per_class, seed):
    """`per_class[c]` rows of each class, or all where it has fewer."""
    random = numpy.random.default_rng(seed)
    chosen = []
    for c, want in enumerate(per_class):
        rows = numpy.flatnonzero(labels == c)
        chosen.append(random.choice(rows, size=min(want, len(rows)), replace=False))
    return numpy.sort(numpy.concatenate(chosen))


def of_rows(data, per_class):
    """Means over data sets and seeds with the rows that per_class(classes, seed) asks for."""
    found = []
    for models, labels, truth in data.values():
        for seed in range(SEEDS):
            rows = some_rows(labels, per_class(int(labels.max()) + 1, seed), seed)
            found.append(taus({m: f[rows] for m, f in models.items()}, labels[rows], truth, seed=seed))
    return mean(found)


def few_rows(data):
    """Rows of each class -> tau_w."""
    return {str(n): of_rows(data, lambda classes, seed, n=n: [n] * classes) for n in (5, 10, 20)}


def imbalance(data):
    """The same number of rows, ten for each class or from 2 to 18 in an order that the seed draws."""

    def uneven(classes, seed):
        return numpy.random.default_rng(seed).permutation(numpy.linspace(2, 18, classes).round().astype(int))

    return {"even": of_rows(data, lambda classes, seed: [10] * classes), "uneven": of_rows(data, uneven)}


def halves(data):
    """Agreement of the two halves of the rows with each other: tau_w of one half's scores against the other's."""
    found = []
    for models, labels, _ in data.values():
        for seed in range(SEEDS):
            order = numpy.random.default_rng(seed).permutation(len(labels))
            parts = [numpy.sort(order[::2]), numpy.sort(order[1::2])]
            scores = [
                itm_rank.rank({m: f[part] for m, f in models.items()}, labels[part], methods=METHODS, seed=seed)
                for part in parts
            ]
            found.append({m: itm_rank.agreement(*(s.scores(m) for s in scores)).tau_w for m in METHODS})
    return mean(found)


def widths(data):
    """All columns, and the first 64 principal components."""

    def reduced(features):
        centred = features.astype(numpy.float64) - features.mean(0, dtype=numpy.float64)
        _, _, axes = numpy.linalg.svd(centred, full_matrices=False)
        return centred @ axes[:64].T

    methods = [*METHODS, "hscore", "gbc", "sfda"]
    whole = [taus(*of, methods=methods) for of in data.values()]
    small = [
        taus({m: reduced(f) for m, f in models.items()}, labels, truth, methods=methods)
        for models, labels, truth in data.values()
    ]
    return {"all columns": mean(whole), "64 components": mean(small)}


def probe_as_truth(data):
    """tau_w of every method against the linear probe's score in place of fine-tuned accuracy."""
    methods = [method for method in METHODS if method != "linear_probe"]
    found = []
    for models, labels, _ in data.values():
        probe = itm_rank.rank(models, labels, methods="linear_probe").scores()
        found.append(taus(models, labels, probe, methods=methods))
    return mean(found)


def score_against_accuracy(data):
    """Mean of |ITM's score - fine-tuned accuracy|, in points of a percent."""
    gaps = []
    for models, labels, truth in data.values():
        scores = itm_rank.rank(models, labels).scores()
        gaps += [abs(100 * score - truth[model]) for model, score in scores.items()]
    return float(numpy.mean(gaps))


def sfda_of_noise():
    """SFDA's score of pure noise, 10 classes, D = 512, by N."""
    random = numpy.random.default_rng(0)
    found = {}
    for rows in (200, 500, 2000, 10000):
        noise = random.normal(size=(rows, 512)).astype(numpy.float32)
        found[str(rows)] = itm_rank.SFDA().fit(noise, numpy.arange(rows) % 10).score_
    return found


def logme_of_targets(data):
    """The largest difference between LogME on labels and on their one-hot columns as regression targets."""
    gaps = []
    for models, labels, _ in data.values():
        one_hot = numpy.eye(int(labels.max()) + 1)[labels]
        a = itm_rank.rank(models, labels, methods="logme").scores()
        b = itm_rank.rank(models, targets=one_hot, methods="logme").scores()
        gaps += [abs(a[m] - b[m]) for m in a]
    return float(max(gaps))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zoo", type=Path, default=Path("examples/glyphs"))
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    data = load(given.zoo)
    result = {"data_sets": list(data), "models": len(next(iter(data.values()))[0]), "seeds": SEEDS}
    steps = {
        "sfda_of_noise": sfda_of_noise,
        "logme_of_targets": lambda: logme_of_targets(data),
        "score_against_accuracy": lambda: score_against_accuracy(data),
        "widths": lambda: widths(data),
        "probe_as_truth": lambda: probe_as_truth(data),
        "few_rows": lambda: few_rows(data),
        "imbalance": lambda: imbalance(data),
        "halves": lambda: halves(data),
    }
    for name, step in steps.items():
        result[name] = step()
        print(name, json.dumps(result[name], indent=1), flush=True)
    if given.out:
        given.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
