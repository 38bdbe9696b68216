"""Detectors on several devices."""

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    """Of two steps on two logical CPUs."""
    checkpoint = tmp_path_factory.mktemp("mirrored") / "ckpt"
    run = subprocess.run(
        [sys.executable, "-m", "tests.detection.mirrored", checkpoint],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout.splitlines()[-1])


def test_replicas_stay_in_step(numbers):
    assert numbers["replicas_apart"] == 0


def test_a_checkpoint_holds_the_mean_of_the_statistics(numbers):
    assert numbers["synchronization"] == ["VariableSynchronization.ON_READ"]
    assert numbers["statistics_apart"] > 1e-3
    assert numbers["statistics_off_mean"] < 1e-7


def test_one_device_restores_it_exactly(numbers):
    assert numbers["restored_off"] == 0
    assert numbers["calls"] == 2


def test_drop_path_differs_by_replica(numbers):
    assert numbers["drop_path_apart"] > 1e-3
