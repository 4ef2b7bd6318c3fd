"""The command ``itm-extract``."""

from __future__ import annotations

import argparse
import sys
import warnings

from .run import extract

_EXAMPLES = """\
Examples:
  itm-extract photos --out zoo --models 'resnet*,vit_base*' --limit 2000
  itm-extract photos --out zoo --models resnet50 --layers 'layer[34]'
  itm-extract torchvision:CIFAR10 --root data --out zoo --models torchvision:resnet18
  itm rank zoo --method all
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="itm-extract",
        description="Runs images through models once and writes features, labels and logits as a zoo for itm rank.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("images", help="folder with a folder per class, torchvision:NAME or hf:NAME")
    add("--out", required=True, metavar="FOLDER", help="the zoo; models that are finished there are not run again")
    add(
        "--models",
        required=True,
        metavar="NAMES",
        help="names and patterns, separated by commas: timm's, torchvision:..., hf:...",
    )
    add("--name", help="of the data set in the zoo; default: the folder's")
    add("--layers", default="", metavar="NAMES", help="layers whose pooled outputs become models of their own")
    add("--limit", type=_positive, metavar="N", help="about so many images, each class with its share")
    add("--seed", type=int, default=0, help="of the choice of images and of --warm-epochs")
    add("--batch-size", type=_positive, default=64, metavar="N")
    add(
        "--workers",
        type=int,
        metavar="N",
        help="processes that read images; default: none but threads on a CPU, up to 8 beside a GPU",
    )
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    add("--full-precision", action="store_true", help="float32 on a GPU too")
    add("--random-weights", action="store_true", help="no pre-trained weights: controls")
    add("--skip-bad", action="store_true", help="leave out images that cannot be read, and name them")
    add(
        "--warm-epochs",
        type=int,
        default=0,
        metavar="N",
        help="experiment: each model also after N epochs of fine-tuning",
    )
    add("--split", default="train", help="of the data set; default: train")
    add("--root", help="folder of a torchvision data set")
    add("--image-key", default="", help="column of images of a Hugging Face data set")
    add("--label-key", default="", help="column of labels of a Hugging Face data set")
    add("--quiet", action="store_true", help="no progress bar, no summary")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not at least 1")
    return value


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    given = _parser().parse_args(arguments)
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", UserWarning)
            done = extract(
                given.models,
                given.images,
                given.out,
                name=given.name,
                layers=given.layers,
                limit=given.limit,
                seed=given.seed,
                batch_size=given.batch_size,
                workers=given.workers,
                device=given.device,
                half=False if given.full_precision else None,
                pretrained=not given.random_weights,
                skip_bad=given.skip_bad,
                warm_epochs=given.warm_epochs,
                split=given.split,
                root=given.root,
                image_key=given.image_key,
                label_key=given.label_key,
                progress=not given.quiet and sys.stderr.isatty(),
            )
    except KeyboardInterrupt:
        print("itm-extract: interrupted; finished models are kept, the same command goes on", file=sys.stderr)
        return 130
    except (ValueError, TypeError, ImportError, OSError) as error:
        print(f"itm-extract: {error}", file=sys.stderr)
        return 2
    for warning in said:
        if str(warning.message).startswith("layers:"):
            print(f"itm-extract: {warning.message}", file=sys.stderr)
    for entry in done.models:
        if entry["bad_images"] and not given.quiet:
            shown = ", ".join(entry["bad_images"][:3])
            print(
                f"itm-extract: {len(entry['bad_images'])} images could not be read and are left out: {shown}",
                file=sys.stderr,
            )
            break
    if not given.quiet:
        print(done)
    return 0


if __name__ == "__main__":
    sys.exit(main())
