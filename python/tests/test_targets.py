"""Numbers and several labels of a row instead of classes, and a split of the user's: as the command line has them."""

from __future__ import annotations

import numpy
import pytest
from command_line import itm, scores, write_zoo

import itm_rank
from itm_rank.made import made_models

MODELS, LABELS = made_models(rows=240, classes=4)
#: Three labels of a row, and three numbers; the first model knows most of both.
MANY = (MODELS["good"][:, :3] + 0.3 * MODELS["poor"][:, :3] > 0.4).astype(numpy.int64)
NUMBERS = MODELS["good"][:, :3].astype(numpy.float64) + 0.1 * MODELS["poor"][:, :3]
HELD_OUT = numpy.random.default_rng(0).random(240) < 0.3


@pytest.fixture
def zoo(tmp_path):
    return write_zoo(tmp_path, MODELS, LABELS)


@pytest.mark.parametrize(("targets", "kind"), [(MANY, "multi_label"), (NUMBERS, "regression")])
def test_targets_of_arrays_and_files_score_as_on_the_command_line(zoo, targets, kind):
    methods = [name for name, method in itm_rank.methods().items() if getattr(method, kind) and "_" not in name]
    assert {"logme", "knn", "parc"} <= set(methods)
    numpy.save(zoo / "pets_target.npy", targets)
    shown = scores(itm("rank", zoo, "--targets", "--method", ",".join(methods), "--format", "json"))
    assert len(shown) == 3 * len(methods)
    assert scores(itm_rank.rank(MODELS, targets=targets, dataset="pets", methods=methods).to_dict()) == shown
    files = itm_rank.rank_zoo(zoo, methods=methods, targets=True)
    assert scores(files.to_dict()) == shown
    assert files.best_of(method="knn") == "good"
    (zoo / "targets.json").write_text(files.to_json())
    assert scores(itm_rank.rank_from(zoo / "targets.json").to_dict()) == shown
    with pytest.raises(ValueError, match="itm"):
        itm_rank.rank(MODELS, targets=targets)


def test_a_split_is_followed_as_on_the_command_line(zoo):
    methods = ["itm", "knn", "linear_probe"]
    numpy.save(zoo / "held.npy", HELD_OUT.astype(numpy.int64))
    asked = {"methods": methods, "iterations": 60, "batch_size": 32}
    options = ["--method", ",".join(methods), "--iterations", 60, "--batch-size", 32, "--format", "json"]
    shown = scores(itm("rank", zoo, "--split", zoo / "held.npy", *options))
    words = numpy.where(HELD_OUT, "val", "train")
    for split in (HELD_OUT, HELD_OUT.astype(int), words, words.tolist()):
        assert scores(itm_rank.rank(MODELS, LABELS, split=split, dataset="pets", **asked).to_dict()) == shown
    files = itm_rank.rank_zoo(zoo, split=zoo / "held.npy", **asked)
    assert scores(files.to_dict()) == shown
    assert scores(itm_rank.rank_zoo(zoo, **asked).to_dict()) != shown
    (zoo / "split.json").write_text(files.to_json())
    assert scores(itm_rank.rank_from(zoo / "split.json").to_dict()) == shown
    for wrong, sentence in (
        (numpy.full(240, 2), "split: holds something else than 0"),
        (["train", "test"] * 120, "split: 'test' is neither train nor val"),
        (HELD_OUT[:, None], "split: has the shape"),
        (HELD_OUT[:100], "split"),
        (numpy.zeros(240), "split: holds something else"),
        (numpy.zeros(240, int), "split"),
    ):
        with pytest.raises(ValueError, match=sentence):
            itm_rank.rank(MODELS, LABELS, split=wrong, methods="knn")


def test_a_method_in_python_is_given_targets(zoo):
    def matches(features, labels):
        assert labels.shape == (240, 3)
        return float(abs(numpy.corrcoef(features[:, 0], labels[:, 0])[0, 1]))

    itm_rank.register("matches", matches, regression=True, multi_label=True)
    for targets in (MANY, NUMBERS):
        assert itm_rank.rank(MODELS, targets=targets, methods="matches").best == "good"
