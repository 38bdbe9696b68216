"""Replicas of one machine, in a process that has two devices."""

import json
import os
import pathlib
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_two_replicas_make_the_mean_of_their_steps():
    root = pathlib.Path(__file__).parents[2]
    output = subprocess.run(
        [sys.executable, "-m", "tests.training.mirrored_step"],
        cwd=root,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert output.returncode == 0, output.stderr
    worst = json.loads(output.stdout.splitlines()[-1])
    assert worst["apart"] > 1e-2
    assert worst["weights"] <= 1e-12
    assert worst["statistics"] <= 1e-12
    assert worst["same drop path"] is False
