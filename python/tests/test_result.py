"""What a ranking can be turned into, single scores, agreement and methods of one's own."""

from __future__ import annotations

import json
import subprocess

import numpy
import pytest

import itm_rank
from itm_rank._program import program
from itm_rank.made import made_models

MODELS, LABELS = made_models()
TRUTH = {"good": 90.0, "fair": 80.0, "poor": 70.0}


@pytest.fixture(scope="module")
def ranking():
    return itm_rank.rank(MODELS, LABELS, methods=["logme", "knn"], truth=TRUTH)


def test_prints_as_the_table(ranking):
    assert str(ranking) == repr(ranking)
    assert str(ranking).startswith("data  ranks, and the mean of their normal scores\n")
    one = itm_rank.rank(MODELS, LABELS, methods="logme", truth=TRUTH)
    assert str(one).startswith("data  logme, 200 rows, 4 classes\n")
    assert "tau_w 1.000" in str(one)


def test_turns_into_everything(ranking, tmp_path):
    assert json.loads(ranking.to_json()) == ranking.to_dict()
    assert ranking.to_dict()["schema"] == "itm.rank/1"
    assert ranking.to_csv().startswith("dataset,method,rank,model,score")
    page = ranking.to_html(tmp_path / "page.html", title="Mine & yours")
    assert (tmp_path / "page.html").read_text() == page
    assert "<title>Mine &amp; yours" in page
    with pytest.raises(ValueError, match="nowhere"):
        ranking.to_html(tmp_path / "nowhere" / "page.html")
    frame = ranking.to_pandas()
    assert list(frame.columns[:6]) == ["dataset", "method", "rank", "model", "score", "error"]
    assert frame[frame.method == "logme"].model.tolist() == ["good", "fair", "poor"]


def test_a_notebook_shows_a_table_in_which_names_are_text():
    named = {"<script>alert(1)</script>": MODELS["good"], "b": MODELS["poor"]}
    shown = itm_rank.rank(named, LABELS, methods="logme")._repr_html_()
    assert "<script>" not in shown and "&lt;script&gt;" in shown
    assert shown.count("<tr>") == 3


def test_best_is_of_one_method_or_of_all(ranking):
    assert ranking.best == "good"
    assert ranking.best_of(method="knn") == "good"
    with pytest.raises(ValueError, match="it was by logme, knn"):
        ranking.best_of(method="parc")


def test_agreement_of_a_ranking_and_of_any_scores(ranking):
    scores = ranking.scores("logme")
    assert itm_rank.agreement(scores, TRUTH) == ranking.agreement("logme")
    assert itm_rank.agreement(list(scores.values()), [90, 80, 70]).tau_w == 1.0
    scipy = pytest.importorskip("scipy.stats")
    random = numpy.random.default_rng(1)
    a, b = random.normal(size=12), random.normal(size=12)
    found = itm_rank.agreement(a, b, bootstrap=100)
    assert found.tau_w_scipy == pytest.approx(scipy.weightedtau(a, b).statistic, abs=1e-12)
    assert found.kendall == pytest.approx(scipy.kendalltau(a, b).statistic, abs=1e-12)
    low, high = found.tau_w_interval
    assert low < found.tau_w < high
    with pytest.raises(ValueError, match="no model in common"):
        itm_rank.agreement({"a": 1}, {"b": 1})
    with pytest.raises(ValueError, match="2 scores and 1 true values"):
        itm_rank.agreement([1, 2], [1])
    with pytest.raises(TypeError):
        itm_rank.agreement({"a": 1}, [1])


def test_every_method_has_a_class_and_every_class_a_method():
    classes = {cls.method for cls in itm_rank.Estimator.__subclasses__()}
    listed = subprocess.run([program(), "methods", "--format", "json"], capture_output=True, text=True, check=True)
    assert classes == {method["name"] for method in json.loads(listed.stdout)["methods"]}


def test_one_score_in_the_manner_of_scikit_learn():
    fitted = itm_rank.LogME().fit(MODELS["good"], LABELS)
    assert fitted.score_ == itm_rank.rank({"X": MODELS["good"]}, LABELS, methods="logme").scores()["X"]
    assert fitted.n_features_in_ == 24 and fitted.error_ > 0
    few = itm_rank.KNN(k=1).fit(MODELS["fair"], LABELS).score_
    assert few == itm_rank.rank({"X": MODELS["fair"]}, LABELS, methods="knn", knn_k=1).scores()["X"]
    clone = pytest.importorskip("sklearn.base").clone
    copy = clone(itm_rank.KNN(k=1))
    assert copy.get_params() == {"k": 1} and copy.set_params(k=3).get_params() == {"k": 3}
    with pytest.raises(ValueError, match="leep: reads output"):
        itm_rank.LEEP().fit(MODELS["good"], LABELS)
    assert "Source:" in itm_rank.LogME.__doc__


def test_a_method_written_in_python_ranks_beside_the_others():
    def apart(features, labels, seed):
        means = numpy.stack([features[labels == c].mean(0) for c in range(labels.max() + 1)])
        return means.var(0).sum(), {"classes": len(means), "seed": seed}

    itm_rank.register("apart", apart, description="how far class means are apart")
    ranking = itm_rank.rank(MODELS, LABELS, methods=["apart", "logme"], repeats=2)
    assert ranking.best_of(method="apart") == "good"
    assert ranking.scores("apart")["good"] == pytest.approx(apart(MODELS["good"], LABELS, 0)[0])
    with pytest.raises(ValueError, match="apart"):
        itm_rank.register("apart", apart)

    def fails(features, labels):
        raise LookupError("no such thing")

    itm_rank.register("always_fails", fails)
    with pytest.raises(ValueError, match="good: always_fails failed: LookupError: no such thing"):
        itm_rank.rank({"good": MODELS["good"]}, LABELS, methods="always_fails")


def test_a_method_written_in_python_is_given_the_rows_that_are_scored():
    holed = MODELS["good"].copy()
    holed[[4, 9]] = numpy.nan
    seen = {}
    itm_rank.register("sees_rows", lambda features, labels: seen.setdefault("given", (features, labels)) and 1.0)
    with pytest.raises(ValueError, match="holed: row 4 "):
        itm_rank.rank({"holed": holed}, LABELS, methods="sees_rows")
    itm_rank.rank({"holed": holed}, LABELS, methods="sees_rows", drop_bad_rows=True)
    features, labels = seen["given"]
    left = numpy.delete(numpy.arange(200), [4, 9])
    numpy.testing.assert_array_equal(features, MODELS["good"][left])
    numpy.testing.assert_array_equal(labels, LABELS[left])


def test_everything_public_has_a_docstring():
    for name in itm_rank.__all__:
        thing = getattr(itm_rank, name)
        if name == "__version__":
            continue
        assert (thing.__doc__ or "").strip(), name
        for member, value in vars(thing).items() if isinstance(thing, type) else ():
            if not member.startswith("_") and (callable(value) or isinstance(value, property)):
                assert (value.__doc__ or "").strip(), f"{name}.{member}"
