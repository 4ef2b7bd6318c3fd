"""Images and models to a zoo: what is written, what is kept, what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy
import pytest

import itm_rank

torch = pytest.importorskip("torch")
from itm_rank.extraction import command, features, images, loading, models, run, warm  # noqa: E402
from itm_rank.extraction.store import RowFile  # noqa: E402

QUIET = {"pretrained": False, "progress": False}


@pytest.fixture(autouse=True)
def fixed_weights():
    torch.manual_seed(0)


def plain(image):
    """PIL image -> [3, 32, 32] in [0, 1]."""
    return torch.from_numpy(numpy.asarray(image.resize((32, 32)), numpy.float32).copy()).permute(2, 0, 1) / 255


def small_net(classes=5):
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2),
        nn.ReLU(),
        nn.Conv2d(8, 12, 3, 2),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(12, classes),
    ).eval()


def read(folder, name):
    return numpy.load(folder / name)


def test_features_logits_and_labels_of_one_pass(photos, tmp_path):
    net = small_net()
    done = itm_rank.extract({"net": net}, photos, tmp_path, transform=plain, batch_size=10, progress=False)
    folder = images.open_images(photos)
    pixels = torch.stack([plain(folder.load(i)) for i in range(len(folder))])
    with torch.no_grad():
        expected = net[:-1](pixels)
        logits = net(pixels)
    numpy.testing.assert_allclose(read(tmp_path, "net_made-photos_feature.npy"), expected, atol=1e-6)
    numpy.testing.assert_allclose(read(tmp_path, "net_made-photos_output.npy"), logits, atol=1e-6)
    assert read(tmp_path, "net_made-photos_label.npy").tolist() == folder.labels.tolist()
    entry = json.loads((tmp_path / "extraction.json").read_text())["models"][0]
    assert entry == done.models[0]
    assert entry["parameters"] == sum(p.numel() for p in net.parameters())
    assert entry["milliseconds_per_image"] > 0 and entry["revision"] == "given" and "plain" in entry["preprocessing"]
    assert itm_rank.rank_zoo(tmp_path, "made-photos", methods=["logme", "leep"]).best == "net"
    assert "net" in str(done) and not list(tmp_path.glob(".*"))


def test_patterns_of_timm_with_each_models_own_preprocessing(photos, tmp_path):
    timm = pytest.importorskip("timm")
    done = itm_rank.extract("test_*resnet*,mobilenetv3_small_050", photos, tmp_path, limit=9, **QUIET)
    names = [entry["model"] for entry in done.models]
    assert "mobilenetv3_small_050" in names and "test_resnet" in names
    for entry in done.models:
        config = timm.data.resolve_model_data_config(timm.create_model(entry["model"]))
        assert f"input_size {config['input_size']}" in entry["preprocessing"]
        assert entry["rows"] == 9 and entry["revision"] == "random"
    wide = timm.create_model("mobilenetv3_small_050").get_classifier().in_features
    assert read(tmp_path, "mobilenetv3_small_050_made-photos_feature.npy").shape == (9, wide)


def test_timms_pooled_features_are_what_its_head_reads():
    timm = pytest.importorskip("timm")
    for name in ("test_vit", "test_resnet", "test_byobnet", "test_convnext"):
        model = timm.create_model(name).eval()
        pixels = torch.rand(2, *model.pretrained_cfg["input_size"])
        with torch.no_grad():
            ours, logits, _ = features.FeatureReader(model, pixels[:1])(pixels)
            theirs = model.forward_head(model.forward_features(pixels), pre_logits=True)
        torch.testing.assert_close(ours, theirs.flatten(1))
        torch.testing.assert_close(logits, model(pixels))
        headless = timm.create_model(name, num_classes=0).eval()
        with torch.no_grad():
            headless_features, none, _ = features.FeatureReader(headless, pixels[:1])(pixels)
        assert none is None and headless_features.shape == ours.shape


def test_torchvision_by_name(photos, tmp_path):
    pytest.importorskip("torchvision")
    entry = itm_rank.extract("torchvision:mobilenet_v3_small", photos, tmp_path, limit=6, **QUIET).models[0]
    assert (entry["source"], entry["rows"], entry["dims"]) == ("torchvision", 6, 1024)
    assert "resize_size=[256]" in entry["preprocessing"]


def test_hugging_face_by_folder(photos, tmp_path):
    library = pytest.importorskip("transformers")
    config = library.ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=8,
        num_labels=7,
    )
    library.ViTForImageClassification(config).save_pretrained(tmp_path / "tiny-vit")
    library.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(tmp_path / "tiny-vit")
    done = itm_rank.extract(f"hf:{tmp_path / 'tiny-vit'}", photos, tmp_path / "zoo", limit=6, progress=False)
    entry = done.models[0]
    assert (entry["model"], entry["rows"], entry["dims"]) == ("tiny-vit", 6, 16)
    assert read(tmp_path / "zoo", "tiny-vit_made-photos_output.npy").shape == (6, 7)


def test_data_sets_of_both_libraries_and_pairs(photos, tmp_path):
    folder = images.open_images(photos)
    pairs = [(folder.load(i), folder.classes[folder.labels[i]]) for i in range(len(folder))]
    given = {"pairs": pairs}
    if (datasets := pytest.importorskip("datasets", reason="checks its data sets too")) is not None:
        kinds = datasets.Features({"img": datasets.Image(), "kind": datasets.ClassLabel(names=folder.classes)})
        rows = {"img": [image for image, _ in pairs], "kind": folder.labels.tolist()}
        given["hub"] = datasets.Dataset.from_dict(rows, features=kinds)
    vision = pytest.importorskip("torchvision.datasets")
    given["vision"] = vision.ImageFolder(str(photos))
    itm_rank.extract({"net": small_net()}, photos, tmp_path, transform=plain, progress=False)
    for name, data in given.items():
        itm_rank.extract({"net": small_net()}, data, tmp_path, name=name, transform=plain, progress=False)
        assert read(tmp_path, f"net_{name}_label.npy").tolist() == folder.labels.tolist()
    assert json.loads((tmp_path / "extraction.json").read_text())["datasets"]["hub"]["classes"] == folder.classes


def test_layers_are_models_of_their_own(photos, tmp_path):
    net = small_net()
    done = itm_rank.extract({"net": net}, photos, tmp_path, layers="0,2", transform=plain, progress=False)
    assert [entry["model"] for entry in done.models] == ["net", "net.0", "net.2"]
    folder = images.open_images(photos)
    with torch.no_grad():
        first = net[0](torch.stack([plain(folder.load(i)) for i in range(len(folder))])).mean((2, 3))
    numpy.testing.assert_allclose(read(tmp_path, "net.0_made-photos_feature.npy"), first, atol=1e-6)
    assert len(itm_rank.rank_zoo(tmp_path, "made-photos", methods="logme").scores()) == 3
    with pytest.warns(UserWarning, match="no model has a layer 'layer9'"):
        itm_rank.extract({"other": small_net()}, photos, tmp_path, layers="layer9", transform=plain, progress=False)


def test_pooling_knows_where_channels_are():
    places = torch.rand(2, 5, 4, 4)
    torch.testing.assert_close(features.pooled(places), places.mean((2, 3)))
    torch.testing.assert_close(features.pooled(places.permute(0, 2, 3, 1)), places.mean((2, 3)))
    tokens = torch.rand(2, 7, 5)
    torch.testing.assert_close(features.pooled(tokens), tokens.mean(1))


class Counts(torch.nn.Module):
    """A net that counts its images, and fails at one."""

    def __init__(self, fails_after=None):
        super().__init__()
        self.net, self.images, self.fails_after = small_net(), 0, fails_after

    def forward(self, batch):
        self.images += len(batch)
        if self.fails_after is not None and self.images > self.fails_after:
            raise KeyboardInterrupt
        return self.net(batch)


def test_a_finished_model_is_not_run_again_and_half_a_model_never_counts(photos, tmp_path):
    first, second = Counts(), Counts(fails_after=30)
    asked = {"transform": plain, "batch_size": 8, "progress": False}
    with pytest.raises(KeyboardInterrupt):
        itm_rank.extract({"first": first, "second": second}, photos, tmp_path, **asked)
    assert not list(tmp_path.glob("*second*")), "half a model"
    assert not list(tmp_path.glob(".*")), "a temporary file"
    before = first.images
    second.fails_after = None
    done = itm_rank.extract({"first": first, "second": second}, photos, tmp_path, **asked)
    assert first.images == before and done.kept == ["first"]
    (tmp_path / "first_made-photos_feature.npy").unlink()
    assert itm_rank.extract({"first": first}, photos, tmp_path, **asked).kept == []
    assert first.images > before
    with pytest.raises(ValueError, match="all models of a data set need the same rows"):
        itm_rank.extract({"third": first}, photos, tmp_path, limit=9, **asked)


def test_a_bad_image_is_named_and_left_out_on_request(photos, tmp_path):
    broken = tmp_path / "photos"
    shutil.copytree(photos, broken)
    (broken / "noise" / "03.png").write_bytes(b"\x89PNG\r\n\x1a\n cut")
    asked = {"transform": plain, "progress": False}
    with pytest.raises(ValueError, match=r"noise/03\.png: cannot be read as an image .*--skip-bad"):
        itm_rank.extract({"net": small_net()}, broken, tmp_path / "zoo", **asked)
    assert not list((tmp_path / "zoo").glob("*.npy"))
    entry = itm_rank.extract({"net": small_net()}, broken, tmp_path / "zoo", skip_bad=True, **asked).models[0]
    assert entry["rows"] == 59 and entry["bad_images"][0].endswith("noise/03.png")
    assert numpy.bincount(read(tmp_path / "zoo", "net_photos_label.npy")).tolist() == [20, 19, 20]


def test_wrong_folders_names_and_limits_are_sentences(photos, tmp_path):
    net = {"net": small_net()}
    with pytest.raises(ValueError, match="no such folder"):
        itm_rank.extract(net, tmp_path / "nowhere", tmp_path / "zoo", transform=plain)
    (tmp_path / "empty" / "cats").mkdir(parents=True)
    with pytest.raises(ValueError, match="holds no images"):
        itm_rank.extract(net, tmp_path / "empty", tmp_path / "zoo", transform=plain)
    with pytest.raises(ValueError, match="limit: 5 rows cannot hold two of each of 3 classes"):
        itm_rank.extract(net, photos, tmp_path / "zoo", limit=5, transform=plain)
    with pytest.raises(ValueError, match="pass transform="):
        itm_rank.extract(net, photos, tmp_path / "zoo", progress=False)
    pytest.importorskip("timm")
    with pytest.raises(ValueError, match="no model 'resnet5o'; near it: .*resnet50"):
        itm_rank.extract("resnet5o", photos, tmp_path / "zoo", **QUIET)


def test_a_missing_package_says_what_to_install():
    work = "import sys; sys.modules['torch'] = None\nimport itm_rank\nitm_rank.extract('resnet18', '.', 'zoo')"
    ran = subprocess.run([sys.executable, "-c", work], capture_output=True, text=True)
    assert "pip install 'itm-rank[torch]'" in ran.stderr.splitlines()[-1]


def test_the_choice_of_images_is_stratified_and_seeded():
    labels = numpy.repeat([0, 1, 2], [500, 100, 6])
    rows = images.stratified(labels, 60, seed=1)
    assert len(rows) == 60 and len(set(rows)) == 60
    assert numpy.bincount(labels[rows]).tolist() == [48, 10, 2]
    assert images.stratified(labels, 60, seed=1).tolist() == rows.tolist()
    assert images.stratified(labels, 60, seed=2).tolist() != rows.tolist()
    assert len(images.stratified(labels, 10**6, seed=1)) == len(labels)


def test_a_row_file_is_what_numpy_writes(tmp_path):
    values = numpy.random.default_rng(0).normal(size=(7, 3)).astype(numpy.float32)
    file = RowFile(tmp_path / "rows.npy", "<f4")
    file.append(values[:4])
    assert not (tmp_path / "rows.npy").exists()
    file.append(values[4:])
    file.finish()
    numpy.save(tmp_path / "numpy.npy", values)
    assert (tmp_path / "rows.npy").read_bytes() == (tmp_path / "numpy.npy").read_bytes()


def test_warm_epochs_write_held_out_rows_of_both(photos, tmp_path):
    asked = {"transform": plain, "progress": False, "batch_size": 8}
    done = itm_rank.extract({"net": small_net()}, photos, tmp_path, warm_epochs=2, **asked)
    assert [(entry["model"], entry["dataset"]) for entry in done.models] == [
        ("net", "made-photos"),
        ("net", "made-photos-heldout"),
        ("net+warm2", "made-photos-heldout"),
    ]
    whole, held, warmed = done.models
    assert (whole["rows"], held["rows"], warmed["rows"]) == (60, 12, 12)
    rows = warm.held_out_rows(read(tmp_path, "net_made-photos_label.npy"), seed=0)
    frozen = read(tmp_path, "net_made-photos_feature.npy")[rows]
    numpy.testing.assert_allclose(read(tmp_path, "net_made-photos-heldout_feature.npy"), frozen, atol=1e-6)
    assert not numpy.allclose(read(tmp_path, "net+warm2_made-photos-heldout_feature.npy"), frozen, atol=1e-3)
    assert warmed["warm_seconds"] > 0 and 0 <= warmed["warm_accuracy"] <= 1
    assert set(itm_rank.rank_zoo(tmp_path, "made-photos-heldout", methods="knn").scores()) == {"net", "net+warm2"}


def test_batch_normalisation_has_the_statistics_of_the_weights_that_it_ends_with(photos):
    nn = torch.nn
    normalise = nn.BatchNorm2d(8, momentum=0.01)  # EfficientNet's: 6 steps would move its averages by 6 %
    net = nn.Sequential(nn.Conv2d(3, 8, 3, 2), normalise, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    data = images.open_images(photos)
    held = warm.held_out_rows(data.labels, 0)
    opened = models.Opened(net, plain, "", "")
    warm.warm_up(opened, data, held, epochs=2, batch_size=16, workers=0, device="cpu", seed=0)
    pixels = torch.stack([plain(data.load(i)) for i in numpy.flatnonzero(~held)])
    with torch.no_grad():
        seen = net[0](pixels)
    torch.testing.assert_close(normalise.running_mean, seen.mean((0, 2, 3)), atol=1e-5, rtol=1e-4)
    assert normalise.momentum == 0.01 and not net.training


def test_images_are_read_while_the_model_computes_and_come_in_order(photos):
    data = images.open_images(photos)
    loaded, enough = [], threading.Event()

    def load(i):
        loaded.append(i)
        if len(loaded) >= 20:
            enough.set()
        return data.load(i)

    watched = replace(data, load=load)
    given = loading.batches(watched, plain, 10, workers=0)
    first = next(given)
    assert enough.wait(30), "the next batch is read though nobody has asked for it"
    rest = list(given)
    assert [i for batch in [first, *rest] for i in batch.rows] == list(range(60)) and len(rest) == 5
    torch.testing.assert_close(rest[0].pixels[3], plain(data.load(13)))
    before = threading.active_count()
    stopped = loading.batches(watched, plain, 10, workers=0)
    next(stopped)
    stopped.close()
    assert threading.active_count() == before and len(loaded) < 120, "what nobody wants is not read"


def test_a_data_set_of_others_is_asked_one_image_at_a_time(photos):
    data = images.open_images(photos)
    inside, most = [0], [0]

    class Others:
        targets = data.labels.tolist()

        def __len__(self):
            return len(data)

        def __getitem__(self, i):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            image = data.load(i)
            inside[0] -= 1
            return image, self.targets[i]

    given = images.open_images(Others())
    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(given.load, range(60)))) == 60
    assert most[0] == 1


def test_a_probe_on_held_out_rows_finds_what_is_there():
    random = numpy.random.default_rng(0)
    labels = numpy.arange(200) % 4
    signal = numpy.eye(4)[labels] * 3 + random.normal(size=(200, 4))
    held = warm.held_out_rows(labels, 0)
    assert held.sum() == 40 and numpy.bincount(labels[held]).tolist() == [10] * 4
    assert warm.probe_accuracy(signal, labels, held) > 0.8
    assert warm.probe_accuracy(random.normal(size=(200, 300)), labels, held) < 0.5


def test_the_command(photos, tmp_path, capsys):
    pytest.importorskip("timm")
    zoo = tmp_path / "zoo"
    arguments = [str(photos), "--out", str(zoo), "--models", "test_resnet,test_vit", "--limit", "9", "--random-weights"]
    assert command.main(arguments) == 0
    assert "test_vit" in capsys.readouterr().out
    assert command.main(arguments) == 0
    assert "2 of them kept" in capsys.readouterr().out
    assert command.main(["nowhere", "--out", str(zoo), "--models", "test_vit"]) == 2
    assert capsys.readouterr().err == "itm-extract: nowhere: no such folder; images lie in one folder per class\n"


def test_names_are_fit_for_files():
    assert models.file_name("hf-hub:timm/vit_base.augreg") == "hf-hub--timm--vit_base.augreg"
    assert images.dataset_name("My photos_2024/") == "My-photos-2024"
    assert run.extract is itm_rank.extract
