"""Every block of the tutorials and of the README runs, in the order of the page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: The models of the tutorial, which would be downloaded, and small ones in their place.
SMALL = {"resnet50": "test_resnet", "vit_base_patch16_224": "test_vit", "mobilenetv3_large_100": "test_efficientnet"}


def blocks(page: str, *languages: str) -> list[tuple[str, str]]:
    """(language, text) of a page's fenced blocks."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / page).read_text(), re.M | re.S)
    return [(language, text) for language, text in found if language in languages]


def run_python(text: str, folder: Path) -> str:
    ran = subprocess.run([sys.executable, "-c", text], cwd=folder, capture_output=True, text=True)
    assert ran.returncode == 0, f"{text}\n{ran.stderr}"
    return ran.stdout


def test_the_tutorial(photos, tmp_path):
    pytest.importorskip("timm")
    (tmp_path / "photos").symlink_to(photos)
    scripts = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    python = ""
    for language, text in blocks("docs/tutorial.md", "sh", "python"):
        if language == "python":
            python += text
            continue
        for name, small in SMALL.items():
            text = text.replace(name, small)
        text = text.replace("itm-extract photos", "itm-extract photos --random-weights")
        ran = subprocess.run(
            ["sh", "-ec", text], cwd=tmp_path, env={**os.environ, "PATH": scripts}, capture_output=True, text=True
        )
        assert ran.returncode == 0, f"{text}\n{ran.stderr}"
    shown = run_python(python, tmp_path)
    assert shown.count(" ms ") == 3
    assert (tmp_path / "ranking.html").exists()


def test_the_page_for_researchers():
    shown = run_python("".join(text for _, text in blocks("docs/researchers.md", "python")), ROOT)
    assert shown.count("tau_w") == 6


def test_the_readme():
    python = blocks("README.md", "python")
    assert python
    for _, text in python:
        assert "sup_resnet_l" in run_python(text, ROOT)
