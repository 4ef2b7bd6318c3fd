"""Candidate models: by name from timm, torchvision and Hugging Face, or any module."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._extras import has, need


@dataclass(frozen=True)
class Candidate:
    """A model that is not loaded yet."""

    name: str  #: as files carry it
    source: str  #: timm, torchvision, hf or module
    open: Callable[[], Opened]


@dataclass(frozen=True)
class Opened:
    """A model in memory."""

    module: Any  #: nn.Module in eval mode; [B, 3, H, W] -> logits, or whatever it returns
    preprocess: Callable[[Any], Any]  #: PIL image -> tensor [3, H, W]
    preprocessing: str  #: the same in words
    revision: str  #: of the weights; "random" where there are none


def candidates(
    models: str | Sequence[str] | Mapping[str, Any], *, pretrained: bool = True, transform: Any = None
) -> list[Candidate]:
    """Names and patterns as candidates, each once, in the order in which they were named.

    ``resnet*`` and ``timm:resnet*`` are timm's (torchvision's where timm is not installed), ``torchvision:resnet18``
    torchvision's, ``hf:google/vit-base-patch16-224`` Hugging Face's; a mapping brings modules of one's own. Raises
    ValueError for a pattern that fits nothing, with what is spelt alike.
    """
    if isinstance(models, Mapping):
        return [
            Candidate(file_name(name), "module", _of_module(name, module, transform)) for name, module in models.items()
        ]
    words = models.split(",") if isinstance(models, str) else list(models)
    found: dict[str, Candidate] = {}
    for word in (word.strip() for word in words):
        if word:
            for candidate in _named(word, pretrained):
                found.setdefault(candidate.name, candidate)
    if not found:
        raise ValueError("models: none are named; pass names or patterns such as 'resnet*,vit_base*'")
    return list(found.values())


def file_name(name: str) -> str:
    """A model's name without what separates folders."""
    return re.sub(r"[^A-Za-z0-9_.+-]+", "--", name).strip("-")


def _named(word: str, pretrained: bool) -> Iterator[Candidate]:
    source, _, rest = word.partition(":")
    if source not in ("timm", "torchvision", "hf"):
        source, rest = ("timm" if has("timm") or not has("torchvision") else "torchvision"), word
    if source == "hf":
        yield Candidate(
            file_name(rest.rstrip("/").rpartition("/")[2] if rest.startswith("/") else rest),
            "hf",
            _of_hub(rest, pretrained),
        )
        return
    known = (
        need("timm").list_models(pretrained=pretrained)
        if source == "timm"
        else need("torchvision.models").list_models()
    )
    if any(sign in rest for sign in "*?["):
        names = fnmatch.filter(known, rest)
    else:  # timm takes the name of an architecture for its default weights
        names = [rest] if rest in known or any(name.partition(".")[0] == rest for name in known) else []
    if not names:
        close = difflib.get_close_matches(rest, known, 3, 0.4)
        raise ValueError(f"models: {source} has no{' pretrained' if pretrained else ''} model {rest!r}{_near(close)}")
    for name in names:
        yield Candidate(
            file_name(name),
            source,
            _of_timm(name, pretrained) if source == "timm" else _of_torchvision(name, pretrained),
        )


def _near(close: list[str]) -> str:
    return f"; near it: {', '.join(close)}" if close else ""


def _of_timm(name: str, pretrained: bool) -> Callable[[], Opened]:
    def open_model() -> Opened:
        return _with_timm(need("timm").create_model(name, pretrained=pretrained), pretrained)

    return open_model


def _with_timm(module: Any, pretrained: bool) -> Opened:
    data = need("timm.data")
    config = data.resolve_model_data_config(module)
    known = getattr(module, "pretrained_cfg", None) or {}
    weights = ".".join(str(known[key]) for key in ("architecture", "tag") if known.get(key))
    words = ", ".join(f"{key} {value}" for key, value in sorted(config.items()))
    return Opened(
        module.eval(), data.create_transform(**config, is_training=False), words, weights if pretrained else "random"
    )


def _of_torchvision(name: str, pretrained: bool) -> Callable[[], Opened]:
    def open_model() -> Opened:
        library = need("torchvision.models")
        weights = library.get_model_weights(name).DEFAULT
        module = library.get_model(name, weights=weights if pretrained else None)
        return Opened(
            module.eval(),
            weights.transforms(),
            _one_line(weights.transforms()),
            str(weights) if pretrained else "random",
        )

    return open_model


def _of_hub(name: str, pretrained: bool) -> Callable[[], Opened]:
    def open_model() -> Opened:
        library = need("transformers")
        config = library.AutoConfig.from_pretrained(name)
        heads = any("ImageClassification" in architecture for architecture in config.architectures or [])
        kind = library.AutoModelForImageClassification if heads else library.AutoModel
        module = kind.from_pretrained(name) if pretrained else kind.from_config(config)
        processor = library.AutoImageProcessor.from_pretrained(name)
        revision = getattr(config, "_commit_hash", None) or name
        return Opened(
            module.eval(),
            lambda image: processor(image, return_tensors="pt")["pixel_values"][0],
            _one_line(processor),
            revision if pretrained else "random",
        )

    return open_model


def _of_module(name: str, module: Any, transform: Any) -> Callable[[], Opened]:
    def open_model() -> Opened:
        torch = need("torch")
        if not isinstance(module, torch.nn.Module):
            raise TypeError(f"{name}: is no torch.nn.Module")
        mine = transform.get(name) if isinstance(transform, Mapping) else transform
        if mine is None and getattr(module, "pretrained_cfg", None) and has("timm"):
            return _with_timm(module, True)
        if mine is None:
            raise ValueError(
                f"{name}: says nothing of its preprocessing; pass transform=, PIL image -> tensor [3, H, W]"
            )
        return Opened(module.eval(), mine, _one_line(mine), "given")

    return open_model


def _one_line(thing: Any) -> str:
    return " ".join(str(thing).split())
