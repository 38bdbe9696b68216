import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from nasnet_tf.checks.errors import InputError
from tests.training.logs import Clock, lines, make_log, scalars


def test_resuming_drops_what_was_not_saved(tmp_path):
    with make_log(tmp_path, quiet=True) as log:
        for step, accuracy in ((100, 0.3), (200, 0.4), (300, 0.9)):
            log.training(step, {"loss": 1 / 3})
            log.evaluation(step, {"accuracy": accuracy})
        assert log.results["best"]["step"] == 300
    kept = (tmp_path / "metrics.jsonl").read_text().splitlines()[:4]
    with (tmp_path / "metrics.jsonl").open("ab") as file:
        file.write(b'{"kind": "training", "step": 1\xff')
    with make_log(tmp_path, start_step=200, quiet=True) as log:
        assert (tmp_path / "metrics.jsonl").read_text().splitlines() == kept
        assert log.best["step"] == log.last["step"] == 200
        assert log.best["accuracy"] == 0.4
        log.evaluation(300, {"accuracy": 0.35})
        assert log.best["step"] == 200 and log.last["step"] == 300
        history = log.history()
    assert history["training"]["step"] == [100, 200]
    assert history["training"]["loss"] == [1 / 3, 1 / 3]
    assert history["evaluation"]["accuracy"] == [0.3, 0.4, 0.35]
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]


def test_seconds_go_on_from_what_was_logged(tmp_path):
    clock = Clock()
    log = make_log(tmp_path, clock=clock, quiet=True)
    clock.now += 60
    log.training(100, {})
    clock.now += 40
    log.training(200, {})
    log = make_log(tmp_path, clock=clock, quiet=True, start_step=100)
    clock.now += 25
    log.training(200, {})
    assert log.history()["training"]["seconds"] == [60.0, 85.0]
    assert log.seconds == 85.0


def test_a_job_begun_anew_drops_all_lines(tmp_path):
    with make_log(tmp_path, quiet=True) as log:
        log.training(100, {"loss": 1.0})
    with make_log(tmp_path, quiet=True) as log:
        assert log.history() == {"training": {}, "evaluation": {}}


def test_a_file_without_later_steps_is_left_alone(tmp_path):
    with make_log(tmp_path, quiet=True) as log:
        log.training(100, {"loss": 0.1 + 0.2})
    before = (tmp_path / "metrics.jsonl").stat()
    make_log(tmp_path, start_step=100, quiet=True).close()
    after = (tmp_path / "metrics.jsonl").stat()
    assert before.st_mtime_ns == after.st_mtime_ns
    assert before.st_ino == after.st_ino


def test_history_has_a_place_for_what_a_line_lacks(tmp_path):
    with make_log(tmp_path, quiet=True) as log:
        log.training(1, {"loss": 1.0, "norm": np.float32(0.5)})
        log.training(2, {"loss": tf.constant(float("nan"))})
        history = log.history()["training"]
    assert history["loss"] == [1.0, None]
    assert history["norm"] == [0.5, None]
    assert "NaN" not in (tmp_path / "metrics.jsonl").read_text()


def test_tensorboard_reads_scalars_and_forgets_what_is_redone(tmp_path):
    with make_log(tmp_path, tensorboard=True, quiet=True) as log:
        for step in (100, 200, 300):
            log.training(step, {"loss": float(step)})
            log.evaluation(step, {"accuracy": step / 1000})
    with make_log(
        tmp_path, tensorboard=True, quiet=True, start_step=200
    ) as log:
        # Of the evaluation at 300 nothing is left before it is redone.
        assert scalars(tmp_path, "evaluation", "accuracy") == [
            (100, pytest.approx(0.1)),
            (200, pytest.approx(0.2)),
        ]
        log.training(250, {"loss": 7.0})
        # Read while the log is open: nothing waits in a buffer.
        assert scalars(tmp_path, "training", "loss") == [
            (100, 100.0),
            (200, 200.0),
            (250, 7.0),
        ]


def test_tensorboards_own_backend_reads_them(tmp_path):
    from tensorboard.backend.event_processing.data_provider import (
        MultiplexerDataProvider,
    )
    from tensorboard.backend.event_processing.plugin_event_multiplexer import (
        EventMultiplexer,
    )
    from tensorboard.context import RequestContext

    with make_log(tmp_path, tensorboard=True, quiet=True) as log:
        log.images(0, np.random.default_rng(0).normal(size=(4, 8, 8, 3)))
        log.training(100, {"loss": 1.0})
        log.training(200, {"loss": 2.0})
    make_log(tmp_path, tensorboard=True, start_step=100, quiet=True).close()
    multiplexer = EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(tmp_path / "tensorboard")).Reload()
    provider = MultiplexerDataProvider(multiplexer, str(tmp_path))
    request = {"experiment_id": "", "downsample": 100}
    read = provider.read_scalars(
        RequestContext(), plugin_name="scalars", **request
    )
    loss = read["training"]["loss"]
    assert [(point.step, point.value) for point in loss] == [(100, 1.0)]
    images = provider.list_blob_sequences(
        RequestContext(), experiment_id="", plugin_name="images"
    )
    assert list(images["training"]) == ["samples"]


def test_only_the_chief_writes(tmp_path, capsys):
    with make_log(tmp_path / "job", chief=False, tensorboard=True) as log:
        log.started(1)
        with log.aside():
            log.evaluation(1, {"accuracy": 0.5})
        log.training(1, {"loss": 1.0})
        log.images(1, np.zeros((1, 8, 8, 3)))
        log.message("text")
        assert log.history() == {"training": {}, "evaluation": {}}
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""


def test_a_quiet_log_writes_but_says_nothing(tmp_path, capsys):
    with make_log(tmp_path, quiet=True) as log:
        log.training(1, {"loss": 1.0})
        log.message("text")
    assert len(lines(tmp_path)) == 1
    assert capsys.readouterr().out == ""


# In a process of its own: the limit on a file's size is all of a process's.
FULL_DISK = """
import pathlib
import resource
import sys
import numpy as np
from nasnet_tf.checks.errors import InputError
from nasnet_tf.training.training_log import TrainingLog
log = TrainingLog(sys.argv[1], 10**6, 10, 1, tensorboard=False, quiet=True)
drawn = TrainingLog(sys.argv[2], 10**6, 10, 1, quiet=True)
images = np.random.default_rng(0).normal(size=(16, 32, 32, 3))
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

def attempt(method, *arguments):
    try:
        for step in range(1, 100):
            method(step, *arguments)
    except InputError as error:
        print(error)

attempt(log.training, {"loss": 1.0})
attempt(log.images, images)

def draw(step):
    pathlib.Path(sys.argv[2], "metrics.jsonl").unlink(missing_ok=True)
    drawn.training(step, {"loss": 1.0})

attempt(draw)
log.close()
drawn.close()
"""


def test_a_full_disk_is_one_line(tmp_path):
    folders = tmp_path / "log", tmp_path / "drawn"
    result = subprocess.run(
        [sys.executable, "-c", FULL_DISK, *map(str, folders)],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    logged, sampled, drawn = result.stdout.splitlines()
    metrics = folders[0] / "metrics.jsonl"
    assert logged == (
        f"model_dir: {metrics} cannot be written (File too large); make room "
        "and run the same command to go on"
    )
    assert f"{folders[0]}/samples.png cannot be written (File too" in sampled
    assert list(folders[0].iterdir()) == [metrics]
    assert drawn == logged.replace(str(metrics), f"{folders[1]}/tensorboard")
    # The line that did not fit is dropped when the job is resumed.
    before = metrics.read_text()
    assert len(before) == 3000 and not before.endswith("\n")
    make_log(folders[0], start_step=10**6, quiet=True).close()
    assert metrics.read_text() == before[: before.rindex("\n") + 1]


def test_a_model_dir_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError) as error:
        make_log(tmp_path / "file")
    assert str(error.value).startswith(f"model_dir: {tmp_path}/file cannot be")
    assert (tmp_path / "file").read_text() == "mine"


def test_event_files_are_in_order_within_a_second(tmp_path):
    for step in range(3):
        make_log(
            tmp_path, start_step=step, tensorboard=True, quiet=True
        ).close()
    folder = tmp_path / "tensorboard" / "training"
    starts = [
        [event.step for event in tf.compat.v1.train.summary_iterator(str(path))]
        for path in sorted(folder.iterdir())
    ]
    assert starts == [[0, 1], [0, 2], [0, 3]]
