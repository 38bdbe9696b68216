"""Detectors that convolve in bfloat16, where the processor can."""

import pytest
import tensorflow as tf

from detection.detectors import bfloat16, load_detector
from nasnet_tf.checks.errors import InputError


@pytest.fixture
def options(monkeypatch):
    """What TensorFlow's optimizer was told, not done."""
    told = {}
    monkeypatch.setattr(
        tf.config.optimizer, "set_experimental_options", told.update
    )
    return told


def test_a_processor_with_it(options, monkeypatch):
    monkeypatch.setattr(bfloat16, "processor_flags", lambda: {"amx_bf16"})
    bfloat16.use_bfloat16()
    assert options == {"auto_mixed_precision_onednn_bfloat16": True}


def test_a_processor_without_it(options, monkeypatch):
    monkeypatch.setattr(bfloat16, "processor_flags", lambda: {"avx2"})
    with pytest.raises(InputError, match=r"^bfloat16: this processor has no"):
        bfloat16.use_bfloat16()
    assert not options


def test_a_litert_file(options, tmp_path):
    path = tmp_path / "model.tflite"
    path.touch()
    with pytest.raises(InputError, match=r"^bfloat16: .* is a LiteRT file"):
        load_detector(path, bfloat16=True)
    assert not options
