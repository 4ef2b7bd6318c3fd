"""rank(): the numbers of the command line, read in place, with Python's manners."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy
import pytest

import itm_rank
from itm_rank._program import program
from itm_rank.made import made_models

QUICK = {"iterations": 60, "batch_size": 32}


def write_zoo(folder, models, labels, dataset="data"):
    for name, features in models.items():
        numpy.save(folder / f"{name}_{dataset}_feature.npy", features)
        numpy.save(folder / f"{name}_{dataset}_label.npy", labels)


def without_seconds(ranking):
    """A result as JSON without what differs between two runs: how long they took, and how they were asked."""
    if isinstance(ranking, dict):
        return {key: without_seconds(value) for key, value in ranking.items() if key not in ("seconds", "record")}
    return [without_seconds(value) for value in ranking] if isinstance(ranking, list) else ranking


def command_line(*arguments):
    ran = subprocess.run([program(), *map(str, arguments)], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def test_arrays_give_the_json_of_the_command_line_bit_for_bit(tmp_path):
    """Every method, those that read logits and source features too."""
    models, labels = made_models(rows=300, classes=5)
    models["half"] = models["good"].astype(numpy.float16)
    models["double"] = models["fair"].astype(numpy.float64)
    random = numpy.random.default_rng(1)
    outputs = {name: random.normal(size=(300, 7)).astype(numpy.float32) for name in models}
    sources = {name: random.normal(size=(80, f.shape[1])).astype(numpy.float32) for name, f in models.items()}
    write_zoo(tmp_path, models, labels)
    for name in models:
        numpy.save(tmp_path / f"{name}_data_output.npy", outputs[name])
        numpy.save(tmp_path / f"{name}_source_feature.npy", sources[name])
    truth = {"good": 91.5, "fair": 80.25, "poor": 70.0, "half": 91.0}
    csv = tmp_path / "truth.csv"
    csv.write_text("model,data\n" + "".join(f"{name},{value}\n" for name, value in truth.items()))
    methods = [cls.method for cls in itm_rank.Estimator.__subclasses__()]
    asked = {"methods": methods, "seed": 3, "threads": 2, "bootstrap": 50, **QUICK}

    given = ["--dataset", "data", "--method", ",".join(methods), "--truth", csv, "--bootstrap", 50, "--seed", 3]
    given += ["--threads", 2, "--iterations", 60, "--batch-size", 32, "--format", "json"]
    shown = command_line("rank", tmp_path, *given)
    arrays = itm_rank.rank(models, labels, outputs=outputs, sources=sources, truth=truth, **asked).to_dict()
    folder = itm_rank.rank_zoo(tmp_path, "data", truth=csv, **asked).to_dict()

    assert {result["method"] for result in shown["results"]} == set(methods)
    assert without_seconds(folder) == without_seconds(shown)
    assert without_seconds(arrays) == without_seconds(shown)


def test_source_logits_and_source_features_reach_the_methods_that_read_them():
    models, labels = made_models()
    outputs = {"good": numpy.eye(4, dtype=numpy.float32)[labels] * 5, "poor": numpy.zeros((200, 4), numpy.float32)}
    sources = {name: features[::2] + 1 for name, features in models.items()}
    ranking = itm_rank.rank(models, labels, methods=["leep", "ped"], outputs=outputs, sources=sources)
    assert list(ranking.scores("leep")) == ["good", "poor"], "fair has no logits"
    assert len(ranking.scores("ped")) == 3
    assert ranking.to_dict()["skipped"][0]["model"] == "fair"
    with pytest.raises(ValueError, match="'goood' is none of the models"):
        itm_rank.rank(models, labels, outputs={"goood": outputs["good"]})


@pytest.fixture(scope="module")
def seen():
    """A method that keeps the addresses of the arrays that it is given."""
    addresses = {}

    def look(features, labels):
        addresses[features.shape[1]] = features.__array_interface__["data"][0]
        return float(features[0, 0])

    itm_rank.register("looks_at_arrays", look)
    return addresses


def test_arrays_are_read_where_they_lie(seen):
    models, labels = made_models()
    wide = numpy.full((200, 40), numpy.nan, numpy.float64)
    wide[:, :17] = models["good"][:, :17]
    fixed = models["fair"].copy()
    fixed.setflags(write=False)
    given = {"rows_apart": wide[:, :17], "read_only": fixed}
    itm_rank.rank(given, labels, methods="looks_at_arrays")
    assert seen == {array.shape[1]: array.__array_interface__["data"][0] for array in given.values()}


def test_tensors_are_read_where_they_lie(seen):
    torch = pytest.importorskip("torch")
    models, labels = made_models()
    tensor = torch.from_numpy(models["good"]).clone().requires_grad_(True)
    ranking = itm_rank.rank({"tensor": tensor}, torch.from_numpy(labels), methods="looks_at_arrays")
    assert seen[24] == tensor.data_ptr()
    assert ranking.scores()["tensor"] == tensor[0, 0].item()


def test_every_layout_and_precision_gives_the_same_score():
    torch = pytest.importorskip("torch")
    models, labels = made_models()
    good = models["good"]
    rounded = torch.from_numpy(good).bfloat16()
    same = {
        "rows": good,
        "columns": numpy.asfortranarray(good),
        "every_second": numpy.repeat(good, 2, axis=1)[:, ::2],
        "backwards": good[::-1].copy()[::-1],
        "other_order_of_bytes": good.astype(">f4"),
        "tensor": torch.from_numpy(good),
        "transposed": torch.from_numpy(good.T.copy()).T,
        "lists": good.astype(float).tolist(),
    }
    scores = itm_rank.rank(same, labels, methods="logme").scores()
    assert len(set(scores.values())) == 1, scores
    halves = {"bfloat16": rounded, "float32": rounded.float()}
    assert len(set(itm_rank.rank(halves, labels, methods="logme").scores().values())) == 1


def test_labels_may_be_words_or_tensors_of_any_kind():
    models, labels = made_models()
    words = numpy.array(["ant", "bee", "cat", "dog"])[labels]
    reference = itm_rank.rank(models, labels, methods="logme").scores()
    numbers = (labels.astype(numpy.uint8), labels.astype(float), labels.tolist(), 7 * labels - 3)
    for given in (words, list(words), *numbers):
        assert itm_rank.rank(models, given, methods="logme").scores() == reference


def test_regression_targets():
    models, _ = made_models()
    targets = 3.0 * models["good"][:, 0] - 1
    assert itm_rank.rank(models, targets=targets, methods="logme").best == "good"


def test_wrong_input_is_a_sentence_in_the_right_kind_of_exception():
    models, labels = made_models()
    holed = models["good"].copy()
    holed[3, 0] = numpy.nan
    with pytest.raises(ValueError, match="^holed: row 3 "):
        itm_rank.rank({"holed": holed}, labels, methods="logme")
    assert itm_rank.rank({"holed": holed, **models}, labels, methods="logme", keep_going=True).to_dict()["failures"]
    with pytest.raises(ValueError, match="flat_images: has 3 dimensions"):
        itm_rank.rank({"flat_images": numpy.zeros((200, 4, 4))}, labels)
    with pytest.raises(ValueError, match="lgme"):
        itm_rank.rank(models, labels, methods="lgme")
    with pytest.raises(ValueError, match="iterations"):
        itm_rank.rank(models, labels, iterations=0.5)
    with pytest.raises(ValueError, match="there is no setting"):
        itm_rank.rank(models, labels, itterations=5)
    with pytest.raises(ValueError, match="targets="):
        itm_rank.rank(models, labels + 0.5)
    with pytest.raises(ValueError, match="there is nothing to rank"):
        itm_rank.rank({}, labels)
    with pytest.raises(TypeError, match="labels or targets"):
        itm_rank.rank(models)
    with pytest.raises(TypeError, match="type <U3"):
        itm_rank.rank({"words": numpy.full((200, 2), "ant")}, labels)
    with pytest.raises(ValueError, match="nowhere"):
        itm_rank.rank_zoo("nowhere")
    with pytest.raises(RuntimeError, match="cuda"):
        itm_rank.rank(models, labels, methods="itm", device="cuda")


def test_settings_are_those_of_the_command_line():
    models, labels = made_models()
    few = itm_rank.rank(models, labels, methods="knn", knn_k=1).scores()
    assert few != itm_rank.rank(models, labels, methods="knn", knn_k=50).scores()
    fixed = itm_rank.rank(models, labels, adaptive=False, **QUICK).to_dict()["results"][0]["models"]
    assert {model["details"]["eta"] for model in fixed} == {0.5}


def test_progress_tells_what_was_done_on_the_callers_thread():
    models, labels = made_models()
    told = []
    itm_rank.rank(
        models, labels, methods=["itm", "logme"], progress=lambda now: told.append((now, threading.get_ident()))
    )
    last, thread = told[-1]
    assert (last.done, last.total, last.share) == (6, 6, 1.0)
    assert last.left < 1e-6
    assert thread == threading.get_ident()

    def stop(now):
        raise ArithmeticError("no more")

    with pytest.raises(ArithmeticError, match="no more"):
        itm_rank.rank(models, labels, progress=stop)


def test_a_bar_is_shown_where_tqdm_is_installed(capsys):
    pytest.importorskip("tqdm")
    models, labels = made_models()
    itm_rank.rank(models, labels, methods="logme", progress=True)
    assert "3/3" in capsys.readouterr().err


def test_other_threads_run_while_models_are_ranked():
    models, labels = made_models(rows=2000, dims=64)
    ticks = 0
    ended = threading.Event()

    def tick():
        nonlocal ticks
        while not ended.is_set():
            ticks += 1
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    begin = time.perf_counter()
    itm_rank.rank(models, labels, iterations=800)
    seconds = time.perf_counter() - begin
    ended.set()
    thread.join()
    assert ticks > 20 * seconds, f"{ticks} ticks in {seconds:.2f} s"


def test_control_c_ends_a_ranking_at_once():
    work = textwrap.dedent(
        """
        import signal
        import itm_rank
        from itm_rank.made import made_models
        signal.signal(signal.SIGINT, signal.default_int_handler)  # shells have what runs in the background ignore it
        models, labels = made_models(rows=20000, dims=512)
        print("begins", flush=True)
        itm_rank.rank(models, labels, iterations=4000, batch_size=1024, threads=1)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", work], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    begin = time.perf_counter()
    _, error = process.communicate(timeout=120)
    assert error.rstrip().endswith("KeyboardInterrupt"), error
    assert time.perf_counter() - begin < 15


def test_torch_and_the_module_share_a_process():
    """Torch brings a BLAS of its own; whichever is loaded first, the numbers stay."""
    pytest.importorskip("torch")
    work = """if True:
        import {}
        import itm_rank, itm_rank.made
        ranking = itm_rank.rank(*itm_rank.made.made_models(), methods=["itm", "logme"])
        print({{method: ranking.scores(method) for method in ranking.methods}})
    """
    found = [
        subprocess.run([sys.executable, "-c", work.format(first)], capture_output=True, text=True, check=True).stdout
        for first in ("os", "torch")
    ]
    assert found[0] == found[1] and "good" in found[0]


def test_the_console_script_is_the_program():
    script = os.path.join(os.path.dirname(sys.executable), "itm")
    shown = subprocess.run([script, "--version"], capture_output=True, text=True, check=True).stdout
    assert shown.startswith(f"itm {itm_rank.__version__}\n")
    assert subprocess.run([script, "rank"], capture_output=True).returncode == 2
