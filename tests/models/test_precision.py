import keras
import pytest

from models import choose_precision, precision, set_precision


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(precision, "_gpu_capabilities", lambda: [])


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu sse2 amx_bf16", "bfloat16"), ("avx512_bf16", "bfloat16"), ("avx512f", "float32")],
)
def test_auto_follows_the_cpu(no_gpu, monkeypatch, flags, expected):
    monkeypatch.setattr(precision.pathlib.Path, "read_text", lambda path: f"flags : {flags}\n")
    assert choose_precision("auto")[0] == expected


@pytest.mark.parametrize(("capability", "expected"), [((8, 0), "bfloat16"), ((7, 5), "float32")])
def test_auto_follows_the_gpu(monkeypatch, capability, expected):
    monkeypatch.setattr(precision, "_gpu_capabilities", lambda: [capability])
    monkeypatch.setattr(precision, "_cpu_with_bfloat16", lambda: "CPU (AMX-BF16)")
    assert choose_precision("auto")[0] == expected


def test_auto_follows_the_oldest_of_several_gpus(monkeypatch):
    monkeypatch.setattr(precision, "_gpu_capabilities", lambda: [(9, 0), (7, 5)])
    assert choose_precision("auto")[0] == "float32"


def test_what_is_asked_for_is_taken():
    assert choose_precision("float32")[0] == "float32"


def test_policy_keeps_weights_in_float32():
    set_precision("bfloat16")
    try:
        layer = keras.layers.Dense(2)
        layer.build((None, 3))
        assert layer.compute_dtype == "bfloat16"
        assert layer.kernel.dtype == "float32"
    finally:
        set_precision("float32")
