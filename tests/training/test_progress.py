import sys

import pytest

from nasnet_tf.terminal.progress import duration_text
from nasnet_tf.training.progress import evaluation_text
from tests.training.logs import Clock, lines, make_log


def test_speed_and_time_left_by_the_clock(tmp_path, capsys):
    clock = Clock()
    with make_log(tmp_path, clock=clock) as log:
        clock.now += 50  # set-up, tracing and the first step
        log.started(1)
        clock.now += 10
        log.training(101, {"loss": 2.5, "accuracy": 0.25})
        with log.aside():
            clock.now += 20
            with log.aside():
                clock.now += 10
            log.evaluation(101, {"accuracy": 0.5})
        clock.now += 20
        log.training(201, {"loss": 1.23456, "learning_rate": 0.0025})
    first, evaluation, second = lines(tmp_path)
    # 100 steps of 32 images in 10 s, then in 20 s: 30 s are evaluation's.
    assert first == {
        "kind": "training", "step": 101, "epoch": 0.3232, "seconds": 60.0,
        "images_per_second": 320.0, "loss": 2.5, "accuracy": 0.25,
    }  # fmt: skip
    assert evaluation == {
        "kind": "evaluation", "step": 101, "epoch": 0.3232, "seconds": 90.0,
        "accuracy": 0.5,
    }  # fmt: skip
    assert second["images_per_second"] == 160.0
    assert second["seconds"] == 110.0
    # 899 steps at 10 / 100 s; 799 at 60 / 200 s, evaluation's share included.
    assert capsys.readouterr().out.splitlines() == [
        "step 101/1,000  epoch 0.3/3.2  loss 2.500  accuracy 25.0 %  "
        "320 images/s  2 min left",
        "evaluation at step 101  accuracy 50.0 %  (the best so far)",
        "step 201/1,000  epoch 0.6/3.2  loss 1.235  lr 2.5e-03  "
        "160 images/s  4 min left",
    ]


def test_no_speed_without_a_step_and_no_time_left_at_the_end(tmp_path, capsys):
    clock = Clock()
    log = make_log(tmp_path, clock=clock, total_steps=2)
    clock.now += 5
    log.started(1)
    log.training(1, {"loss": 1.0})
    clock.now += 16
    log.training(2, {"loss": 1.0})
    assert "images_per_second" not in lines(tmp_path)[0]
    assert lines(tmp_path)[1]["images_per_second"] == 2.0
    first, last = capsys.readouterr().out.splitlines()
    assert first == "step 1/2  epoch 0.0/0  loss 1.000"
    assert last == "step 2/2  epoch 0.0/0  loss 1.000  2.0 images/s"


def test_a_resumed_run_counts_its_own_steps(tmp_path, capsys):
    clock = Clock()
    log = make_log(tmp_path, clock=clock, start_step=500)
    log.started(501)
    clock.now += 99
    log.training(600, {})
    assert lines(tmp_path)[0]["images_per_second"] == 32.0
    # 400 steps of a second each.
    assert capsys.readouterr().out.endswith("32 images/s  7 min left\n")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (719, "12 min"),
        (3599, "1 h 0 min"),
        (12_000, "3 h 20 min"),
        (47.4 * 3600, "47 h 24 min"),
        (99 * 3600, "4 days 3 h"),
    ],
)
def test_durations(seconds, text):
    assert duration_text(seconds) == text


def test_on_a_terminal_progress_is_written_over(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "27")
    with make_log(tmp_path, clock=Clock()) as log:
        log.training(100, {"loss": 1.0})
        log.training(200, {"loss": 1.0})
        log.message("saved")
        log.training(300, {"loss": 1.0})
    assert capsys.readouterr().out == (
        "\rstep 100/1,000  loss 1.000\x1b[K\rstep 200/1,000  loss 1.000\x1b[K"
        "\r\x1b[Ksaved\n\rstep 300/1,000  loss 1.000\x1b[K\n"
    )


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (90, "step 300/1,000  epoch 1.0/3.2  loss 1.000  accuracy 50.0 %  "
         "64 images/s  6 min left"),
        (71, "step 300/1,000  loss 1.000  accuracy 50.0 %  64 images/s  "
         "6 min left"),
        (42, "step 300/1,000  64 images/s  6 min left"),
    ],
)  # fmt: skip
def test_a_narrow_terminal_keeps_speed_and_time_left(
    tmp_path, capsys, monkeypatch, width, text
):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(width))
    clock = Clock()
    with make_log(tmp_path, clock=clock) as log:
        clock.now += 150
        log.training(
            300, {"loss": 1.0, "accuracy": 0.5, "learning_rate": 0.0125}
        )
    assert capsys.readouterr().out == f"\r{text}\x1b[K\n"


def test_training_goes_on_when_stdout_is_gone(tmp_path, monkeypatch):
    def gone(*_, **__):
        raise BrokenPipeError

    monkeypatch.setattr("builtins.print", gone)
    with make_log(tmp_path) as log:
        log.training(1, {"loss": 1.0})
        log.training(2, {"loss": 1.0})
    assert [line["step"] for line in lines(tmp_path)] == [1, 2]


@pytest.mark.parametrize(
    ("balanced", "told"),
    [(0.6516, ""), (0.6514, "  balanced accuracy 65.1 %")],
)
def test_the_balanced_accuracy_is_told_where_it_differs(balanced, told):
    metrics = {"accuracy": 0.652, "balanced_accuracy": balanced}
    text = evaluation_text(5, metrics)
    assert text == f"evaluation at step 5  accuracy 65.2 %{told}"


def test_evaluations_are_compared_with_the_best():
    best = {"step": 900, "accuracy": 0.66}
    metrics = {"loss": 1.02345, "accuracy": 0.652, "top_5": 0.9}
    assert evaluation_text(1200, metrics, best) == (
        "evaluation at step 1,200  loss 1.023  accuracy 65.2 %  top-5 90.0 %  "
        "(best accuracy 66.0 % at step 900)"
    )
