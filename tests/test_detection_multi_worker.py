"""A detector trained by two workers, stopped, and trained on by two."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
import tensorflow as tf

from tests.detection_training import EXPERIMENT, overrides, write_records
from tests.test_multi_worker import free_port

# A batch of one image for a device crashes oneDNN; see the README.
WORKERS = (
    ",runtime.distribution_strategy=multi_worker_mirrored,"
    "task.model.max_level=3,task.model.backbone.nasnet.max_level=3,"
    "task.train_data.global_batch_size=4,trainer.steps_per_loop=1,"
    "trainer.summary_interval=1,trainer.checkpoint_interval=1"
)


def run(records, model_dir, steps):
    """Trains up to a step on two workers; what they printed."""
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    command = [sys.executable, "-m", "detection.train", "--mode=train"]
    command += [f"--experiment={EXPERIMENT}", f"--model_dir={model_dir}"]
    more = f"{WORKERS},trainer.train_steps={steps}"
    command += [f"--params_override={overrides(records, more)}"]
    logs = [model_dir.with_name(f"{steps}_{index}.log") for index in range(2)]
    processes = []
    for index, log in enumerate(logs):
        config = {
            "cluster": {"worker": addresses},
            "task": {"type": "worker", "index": index},
        }
        environment = os.environ | {
            "PYTHONPATH": str(pathlib.Path.cwd()),
            "TF_CONFIG": json.dumps(config),
        }
        # A file: a pipe that nobody reads would stop its worker.
        with log.open("w") as output:
            processes.append(
                subprocess.Popen(
                    [*command, "--verbosity=0"],
                    env=environment,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            )
    codes = [process.wait(timeout=900) for process in processes]
    texts = [log.read_text() for log in logs]
    assert codes == [0, 0], texts[0][-3000:] + texts[1][-3000:]
    return texts


@pytest.mark.slow
def test_two_workers_train_and_go_on(tmp_path):
    records = write_records(tmp_path, count=8)
    job = tmp_path / "job"
    run(records, job, 2)
    first = tf.train.latest_checkpoint(str(job))
    assert first.endswith("ckpt-2")
    texts = run(records, job, 4)
    assert tf.train.latest_checkpoint(str(job)).endswith("ckpt-4")
    for text in texts:
        # Orbit tells from which step: both went on from the second.
        begun = re.findall(r"step: +(\d+) \| training until step 4", text)
        assert set(begun) == {"2"}
