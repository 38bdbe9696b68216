"""A format of a user's own, from its registration to its card."""

import dataclasses

import numpy as np
import pytest

from export.job import export_model
from export.runtime.runners import open_runner
from export.targets import TARGETS, get_target, register_target
from nasnet_tf.checks.errors import InputError
from tests.conftest import images, line_of, randomize, tiny_network
from tests.training.jobs import one_block


@pytest.fixture
def own(monkeypatch):
    from tests.export.own_target import OWN

    monkeypatch.setitem(TARGETS, "own", OWN)
    return OWN


def test_it_is_written_run_timed_and_told_of(own, tmp_path, short_timing):
    model = randomize(tiny_network(one_block(), preprocessing="scale"))
    result = export_model(model, "own", tmp_path / "out", quiet=True)
    assert result.model == tmp_path / "out" / "model.own"
    assert set(result.files) == {"model.own", "model_card.md"}
    assert result.parity.agreement == 1.0 and result.latency > 0
    inputs = images(2, 32, 32, 3)
    np.testing.assert_allclose(
        open_runner(result.model).run(inputs), model(inputs), atol=1e-5
    )
    card = (tmp_path / "out" / "model_card.md").read_text()
    assert "as Own format" in card and 'run("model.own", images)' in card


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"name": "onnx"}, "name: there is a target 'onnx' already"),
        (
            {"name": "other", "file": "network.onnx"},
            "file: network.onnx ends as a file of 'onnx' does",
        ),
    ],
)
def test_names_and_endings_are_ones_own(own, changes, line):
    with pytest.raises(InputError) as error:
        register_target(dataclasses.replace(own, **changes))
    assert line_of(error).startswith(line)
    assert "other" not in TARGETS
    with pytest.raises(InputError, match="format: 'onx' is unknown; did you"):
        get_target("onx")


def test_all_names_and_endings_differ():
    for target in TARGETS.values():
        register_target(target)
