"""Arrays in the memory of a device: copied to the host once and read in place there, or refused in a sentence.

No GPU is needed to see what is said of them.
"""

from __future__ import annotations

import ctypes

import numpy
import pytest

import itm_rank
from itm_rank import _core
from itm_rank.made import made_models

MODELS, LABELS = made_models()
CUDA, HOST = 2, 1


class Tensor(ctypes.Structure):
    """DLTensor, then the rest of DLManagedTensor: dlpack.h, version 0.8."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
        ("manager", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
    )


class OnDevice:
    """A float32 matrix that says that it lies on a GPU; what reads it there reads from address 64 and dies."""

    def __init__(self, values, strides=None, offset=0, **more):
        self.values = values
        self.strides = strides
        self.offset = offset
        self.copies = 0
        self.exports = 0
        self.__dict__.update(more)

    def __dlpack_device__(self):
        return CUDA, 0

    def __dlpack__(self, **_):
        self.exports += 1
        self.shape = (ctypes.c_int64 * 2)(*self.values.shape)
        steps = None if self.strides is None else (ctypes.c_int64 * 2)(*self.strides)
        self.tensor = Tensor(64, CUDA, 0, 2, 2, 32, 1, self.shape, steps, self.offset, None, None)
        make = ctypes.pythonapi.PyCapsule_New
        make.restype, make.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
        return make(ctypes.addressof(self.tensor), b"dltensor", None)


class Copyable(OnDevice):
    """The same, with the request for a copy that DLPack 1.0 has."""

    def __dlpack__(self, *, dl_device=None, copy=None, **more):
        if dl_device == (HOST, 0) and copy:
            self.copies += 1
            return self.values.copy().__dlpack__()
        return super().__dlpack__(**more)


def test_tensors_of_a_device_are_copied_once_each_in_its_own_words():
    expected = itm_rank.rank(MODELS, LABELS, methods=["logme", "knn"])
    copies = []

    def copied(name):
        return lambda: copies.append(name) or MODELS[name]

    poor = Copyable(MODELS["poor"])
    given = {"good": OnDevice(MODELS["good"], cpu=copied("good")), "fair": OnDevice(MODELS["fair"], get=copied("fair"))}
    found = itm_rank.rank({**given, "poor": poor}, LABELS, methods=["logme", "knn"])
    assert [found.scores(m) for m in found.methods] == [expected.scores(m) for m in expected.methods]
    assert copies == ["good", "fair"] and poor.copies == 1


def test_the_engine_is_told_where_rows_follow_one_another_on_the_device():
    host = MODELS["good"]
    rows, cols = host.shape
    assert _core.on_device(OnDevice(host), host).address == 64
    assert _core.on_device(OnDevice(host, strides=(cols, 1), offset=4 * cols), host).address == 64 + 4 * cols
    elsewhere = {
        "rows that are apart": OnDevice(host, strides=(cols + 1, 1)),
        "columns that follow one another": OnDevice(host, strides=(1, rows)),
        "another shape": OnDevice(host[:, 1:]),
        "another type": OnDevice(host),
        "the host": host,
        "no array": "good",
    }
    for what, tensor in elsewhere.items():
        wanted = host.astype(numpy.float64) if what == "another type" else host
        assert _core.on_device(tensor, wanted) is None, what


def test_nothing_is_asked_of_a_device_for_a_ranking_on_the_cpu():
    tensor = OnDevice(MODELS["good"], cpu=lambda: MODELS["good"])
    itm_rank.rank({**MODELS, "good": tensor}, LABELS, methods="logme", device="cpu")
    assert tensor.exports == 0
    itm_rank.rank({**MODELS, "good": tensor}, LABELS, methods="logme")
    assert tensor.exports == 1


def test_a_tensor_that_gives_no_copy_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"^good: lies in the memory of a device .* offers no copy"):
        itm_rank.rank({"good": OnDevice(MODELS["good"])}, LABELS)
    with pytest.raises(ValueError, match=r"^labels: lies in the memory of a device"):
        itm_rank.rank(MODELS, OnDevice(MODELS["good"]))


def test_the_module_itself_never_reads_from_a_device():
    asked = {"methods": ["logme"], "settings": [], "seed": 0, "threads": 1, "device": "auto", "keep_going": False}
    asked.update(bootstrap=0, time_budget=None)
    with pytest.raises(ValueError, match="good: is not in the memory of the host"):
        models = [("good", OnDevice(MODELS["good"]), None, None, None)]
        _core.rank_arrays("data", models, LABELS, None, None, asked, None, None)


def test_labels_and_targets_may_be_tensors_too():
    numbers = numpy.asarray(LABELS)
    given = OnDevice(numbers, cpu=lambda: numbers)
    assert itm_rank.rank(MODELS, given, methods="logme").best == "good"
    targets = OnDevice(MODELS["good"][:, :1], cpu=lambda: MODELS["good"][:, :1])
    assert itm_rank.rank(MODELS, targets=targets, methods="logme").best == "good"
