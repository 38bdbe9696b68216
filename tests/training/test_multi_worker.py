"""Two workers on this machine against one."""

import json

import numpy as np
import pytest

from nasnet_tf.configuration.files import save_config
from tests.data.image_sets import write_folder
from tests.training.jobs import small_job, variables_of
from tests.worker_processes import run_workers

STEPS = 50


def run(config, folder, workers):
    """Trains with so many workers; what the last checkpoint holds."""
    config_file = folder / "job.yaml"
    save_config(config, config_file)
    model_dir = folder / f"{workers}_workers"
    command = ["-m", "nasnet_tf.train"]
    command += [f"--config_file={config_file}", f"--model_dir={model_dir}"]
    run_workers(command, workers, folder / f"logs_{workers}")
    lines = (model_dir / "metrics.jsonl").read_text().splitlines()
    return variables_of(model_dir), [json.loads(line) for line in lines]


def difference(one, two):
    """The largest difference of two dicts of arrays, relative to the values."""
    assert one.keys() == two.keys()
    return max(
        np.abs(one[name] - two[name]).max() / max(1.0, np.abs(one[name]).max())
        for name in one
    )


@pytest.mark.slow
def test_float64_agrees_after_50_steps(tmp_path):
    config = small_job(
        tmp_path,
        "model.dtype=float64,runtime.synchronized_batch_norm=true",
        f"recipe.steps={STEPS},recipe.clip_norm=1.0,recipe.ema_momentum=0.9",
        "recipe.weight_decay=0.001,model.auxiliary_head=true",
        "recipe.class_weights=balanced",
    )
    one, lines = run(config, tmp_path, 1)
    two, lines_of_two = run(config, tmp_path, 2)
    worst = difference(one, two)
    print(f"worst difference after {STEPS} steps: {worst:.1e}")
    assert worst <= 1e-8
    assert len(lines) == len(lines_of_two) == STEPS + 1
    for a, b in zip(lines, lines_of_two, strict=True):
        # The evaluation, the last line, is split over the workers too.
        assert a["kind"] == b["kind"]
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-6)
        assert a["accuracy"] == pytest.approx(b["accuracy"], abs=1e-6)
    balanced = [line[-1]["balanced_accuracy"] for line in (lines, lines_of_two)]
    assert balanced[0] == pytest.approx(balanced[1], abs=1e-6)


@pytest.mark.slow
def test_float32_agrees_in_the_first_step(tmp_path):
    # Not the digits: on their blank paper thousands of pixels have the same
    # value, and where that rounds to either side of a ReLU's zero, gradients
    # jump.
    photos = write_folder(
        tmp_path / "photos",
        {"train": {"a": 16, "b": 16}, "test": {"a": 4, "b": 4}},
        suffix=".png",
    )
    config = small_job(
        tmp_path,
        "runtime.synchronized_batch_norm=true,recipe.steps=1",
        f"recipe.weight_decay=0.001,data.source=folder,data.data_dir={photos}",
    )
    one, lines = run(config, tmp_path, 1)
    two, lines_of_two = run(config, tmp_path, 2)
    for name in ("loss", "gradient_norm"):
        assert lines[0][name] == pytest.approx(lines_of_two[0][name], rel=1e-5)
    # After one step the momentum is the gradient times the rate.
    gradients = [
        np.concatenate(
            [
                values[name].ravel()
                for name in sorted(values)
                if name.startswith("optimizer/") and values[name].ndim
            ]
        )
        for values in (one, two)
    ]
    assert np.linalg.norm(gradients[0]) > 0
    worst = np.linalg.norm(gradients[0] - gradients[1]) / np.linalg.norm(
        gradients[0]
    )
    print(f"difference of the first gradients: {worst:.1e}")
    assert worst <= 1e-5
