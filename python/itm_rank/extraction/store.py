"""The zoo on disk: files that are whole or absent, and the record of what made them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy

from .. import _core

RECORD = "extraction.json"


class RowFile:
    """A .npy of rows that come batch by batch; it has its name only once it is whole."""

    _header = 128

    def __init__(self, file: Path, dtype: Any) -> None:
        self.file = file
        self.rows = 0
        self.cols: int | None = None
        self._dtype = numpy.dtype(dtype)
        self._part = file.with_name(f".{file.name}.{os.getpid()}.part")
        self._stream = open(self._part, "wb")
        self._stream.write(b"\0" * self._header)

    def append(self, rows: numpy.ndarray) -> None:
        """Rows [B, D], or [B], of the same D as before."""
        rows = numpy.ascontiguousarray(rows, dtype=self._dtype)
        self.cols = rows.shape[1] if rows.ndim == 2 else None
        self.rows += len(rows)
        self._stream.write(rows.tobytes())

    def finish(self) -> None:
        """Gives the file its name."""
        shape = (self.rows,) if self.cols is None else (self.rows, self.cols)
        text = f"{{'descr': {self._dtype.str!r}, 'fortran_order': False, 'shape': {shape}, }}"
        line = text.encode().ljust(self._header - 11) + b"\n"
        self._stream.seek(0)
        self._stream.write(b"\x93NUMPY\x01\x00" + (self._header - 10).to_bytes(2, "little") + line)
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        os.replace(self._part, self.file)

    def discard(self) -> None:
        """Leaves nothing of a file that is not finished."""
        self._stream.close()
        self._part.unlink(missing_ok=True)


class Record:
    """``extraction.json``: data sets and models of a folder, written anew after each model."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / RECORD
        self.content: dict[str, Any] = {"schema": "itm.extract/1", "datasets": {}, "models": []}
        if self.file.exists():
            try:
                self.content = json.loads(self.file.read_text())
            except ValueError as error:
                raise ValueError(
                    f"{self.file}: is no JSON ({error}); delete it, and the models will be extracted again"
                ) from None
            if self.content.get("schema") != "itm.extract/1":
                raise ValueError(f"{self.file}: is no record of an extraction (itm.extract/1); choose another folder")

    def dataset(self, name: str, facts: dict[str, Any]) -> None:
        """Enters a data set, or checks that it is the one that the folder holds. Raises ValueError where it is not."""
        known = self.content["datasets"].setdefault(name, facts)
        changed = [key for key in facts if known.get(key) != facts[key]]
        if changed:
            key = changed[0]
            raise ValueError(
                f"{self.file}: holds {name} with {key} {known.get(key)}, not {facts[key]}; all models of a data set "
                "need the same rows; choose another folder or another name"
            )

    def find(self, model: str, dataset: str) -> dict[str, Any] | None:
        """The finished model, if its files are all there."""
        entries: list[dict[str, Any]] = self.content["models"]
        for entry in entries:
            if entry["model"] == model and entry["dataset"] == dataset:
                if all((self.file.parent / name).exists() for name in entry["files"]):
                    return entry
        return None

    def add(self, entry: dict[str, Any]) -> None:
        """Enters a finished model in place of an older one, and writes the record."""
        same = (entry["model"], entry["dataset"])
        self.content["models"] = [e for e in self.content["models"] if (e["model"], e["dataset"]) != same] + [entry]
        _core.write_file(self.file, json.dumps(self.content, indent=1) + "\n")
