"""A detector trained by two workers, stopped, and trained on by two."""

import re

import pytest
import tensorflow as tf

from tests.detection.small_jobs import EXPERIMENT, overrides, write_records
from tests.worker_processes import run_workers

# A batch of one image for a device crashes oneDNN; see the README.
WORKERS = (
    ",runtime.distribution_strategy=multi_worker_mirrored,"
    "task.model.max_level=3,task.model.backbone.nasnet.max_level=3,"
    "task.train_data.global_batch_size=4,trainer.steps_per_loop=1,"
    "trainer.summary_interval=1,trainer.checkpoint_interval=1"
)


def run(records, model_dir, steps):
    """Trains up to a step on two workers; what they printed."""
    command = ["-m", "detection.train", "--mode=train", "--verbosity=0"]
    command += [f"--experiment={EXPERIMENT}", f"--model_dir={model_dir}"]
    more = f"{WORKERS},trainer.train_steps={steps}"
    command += [f"--params_override={overrides(records, more)}"]
    return run_workers(command, 2, model_dir.with_name(f"logs_{steps}"))


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
