"""A result is a record: repeated by rank_from() and by the command line, whichever made it; and a budget of time."""

from __future__ import annotations

import json
import subprocess
import warnings

import numpy
import pytest
from command_line import itm, scores, write_zoo

import itm_rank
from itm_rank._program import program
from itm_rank.made import made_models

MODELS, LABELS = made_models(rows=300, classes=5)


@pytest.fixture
def zoo(tmp_path):
    folder = tmp_path / "zoo"
    folder.mkdir()
    return write_zoo(folder, MODELS, LABELS)


def test_a_result_of_the_command_line_is_repeated_in_python(zoo, tmp_path):
    options = ["--dataset", "pets", "--method", "itm,knn", "--iterations", 60, "--batch-size", 32, "--knn-k", 7]
    options += ["--seed", 4, "--exclude", "poor", "--standardise", "global", "--drop-bad-rows"]
    for ending in ("json", "csv"):
        file = tmp_path / f"shown.{ending}"
        subprocess.run([program(), "rank", zoo, *map(str, options), "--out", file, "--quiet"], check=True)
        again = itm_rank.rank_from(file).to_dict()
        shown = itm("rank", zoo, *options, "--format", "json")
        assert scores(again) == scores(shown)
        assert {model for _, model in scores(again)} == {"good", "fair"}
        assert again["record"]["data"] == shown["record"]["data"], "the same fingerprints"
    with warnings.catch_warnings(record=True) as said:
        changed = itm_rank.rank_from(file, seed=5, exclude=())
    assert {model for _, model in scores(changed.to_dict())} == set(MODELS)
    assert changed.to_dict()["record"]["seed"] == 5
    assert not said, "other models were asked for: nothing changed behind the user's back"


def test_a_result_of_python_is_repeated_by_the_command_line(zoo, tmp_path):
    asked = {"methods": ["itm", "logme"], "seed": 9, "iterations": 60, "batch_size": 32, "models": "*o*", "knn_k": 3}
    first = itm_rank.rank_zoo(zoo, "pets", **asked)
    file = tmp_path / "python.json"
    file.write_text(first.to_json())
    assert scores(itm("rank", "--from", file, "--format", "json")) == scores(first.to_dict())
    assert scores(itm_rank.rank_from(file).to_dict()) == scores(first.to_dict())
    # Every option that the command line records is in ours, with the same value.
    mine = first.to_dict()["record"]["options"]
    theirs = itm("rank", "--from", file, "--format", "json")["record"]["options"]
    texts = {name: value if isinstance(value, str) else ",".join(value) for name, value in mine.items()}
    for name, value in theirs.items():
        if name != "--threads":
            known = value if isinstance(value, str) else ",".join(value)
            assert texts.get(name, known) == known, name
    assert set(theirs) - set(mine) <= {"--device", "--feature-storage", "--no-self-check"}
    assert '<details id="record">' in first.to_html()
    assert first.to_csv().splitlines()[0].endswith(",record")


def test_arrays_are_needed_again(tmp_path):
    first = itm_rank.rank(MODELS, LABELS, dataset="pets", methods="knn", knn_k=3, drop_bad_rows=True)
    file = tmp_path / "arrays.json"
    file.write_text(first.to_json())
    again = itm_rank.rank_from(file, MODELS, LABELS)
    assert again.scores() == first.scores() and again.datasets == ["pets"]
    assert itm_rank.rank_from(file, MODELS, LABELS, knn_k=40).scores() != first.scores()
    with pytest.raises(ValueError, match="ranked arrays, which it does not hold"):
        itm_rank.rank_from(file)


def test_data_that_changed_are_named_and_what_cannot_be_repeated_is_refused(zoo, tmp_path):
    file = tmp_path / "first.json"
    file.write_text(itm_rank.rank_zoo(zoo, methods="logme").to_json())
    numpy.save(zoo / "good_pets_feature.npy", MODELS["good"] + 1)
    with pytest.warns(UserWarning, match="pets: features or labels are others than those of 20"):
        itm_rank.rank_from(file)
    with pytest.raises(ValueError, match="leave out models"):
        itm_rank.rank_from(file, MODELS, LABELS)
    shown = json.loads(file.read_text())
    shown["record"]["command"] = "sweep"
    file.write_text(json.dumps(shown))
    with pytest.raises(ValueError, match="is a result of itm sweep"):
        itm_rank.rank_from(file)
    del shown["record"]
    file.write_text(json.dumps(shown))
    with pytest.raises(ValueError, match="holds no record"):
        itm_rank.rank_from(file)


def test_a_time_budget_scores_as_many_rows_as_it_allows(tmp_path):
    models, labels = made_models(rows=20_000, classes=5, dims=64)
    with pytest.warns(UserWarning, match=r"for a time budget of 0.5 s: [\d,]+ rows") as said:
        short = itm_rank.rank(models, labels, methods="nleep", time_budget=0.5, threads=1)
    rows = int(str(said[0].message).split(": ")[1].split()[0].replace(",", ""))
    assert 100 <= rows < 20_000
    assert short.scores() == itm_rank.rank(models, labels, methods="nleep", rows=rows, threads=1).scores()
    assert short.to_dict()["record"]["options"]["--time-budget"] == "0.5"
    for name, features in models.items():
        numpy.save(tmp_path / f"{name}_data_feature.npy", features)
    numpy.save(tmp_path / "data_label.npy", labels)
    shown = itm("rank", tmp_path, "--method", "nleep", "--time-budget", 0.5, "--threads", 1, "--format", "json")
    assert scores(shown) == scores(short.to_dict())
    assert itm_rank.rank(MODELS, LABELS, methods="knn", time_budget=1000).scores()
    with pytest.raises(ValueError, match="leave out rows, or the budget"):
        itm_rank.rank(models, labels, methods="nleep", rows=500, time_budget=0.5)
    with pytest.raises(ValueError, match="the least that says something"):
        itm_rank.rank({f"m{i}": models["good"] for i in range(99)}, labels, methods="nleep", time_budget=0.01)
