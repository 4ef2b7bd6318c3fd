"""The program beside the package, for tests that hold one against the other."""

from __future__ import annotations

import json
import subprocess

import numpy

from itm_rank._program import program


def itm(*arguments):
    """What `itm` prints as JSON."""
    ran = subprocess.run([program(), *map(str, arguments)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def scores(result):
    """(method, model) -> score of a result as JSON."""
    return {(r["method"], m["model"]): m["score"] for r in result["results"] for m in r["models"]}


def write_zoo(folder, models, labels, dataset="pets"):
    for name, features in models.items():
        numpy.save(folder / f"{name}_{dataset}_feature.npy", features)
    numpy.save(folder / f"{dataset}_label.npy", labels)
    return folder
