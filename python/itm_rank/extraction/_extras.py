"""Packages that only extraction needs."""

from __future__ import annotations

import importlib
from typing import Any

#: Package -> the extra that brings it, and what it is called where its name is another.
_EXTRAS = {
    "torch": "torch",
    "torchvision": "torch",
    "PIL": "torch",
    "timm": "timm",
    "transformers": "transformers",
    "datasets": "datasets",
}


def need(package: str) -> Any:
    """The package. Raises ImportError that says which extra to install where it is missing."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        extra = _EXTRAS[package.split(".")[0]]
        raise ImportError(
            f"extraction needs {package.split('.')[0]} ({error}); pip install 'itm-rank[{extra}]'"
        ) from None


def has(package: str) -> bool:
    """Whether the package can be imported."""
    try:
        importlib.import_module(package)
    except ImportError:
        return False
    return True
