"""What a search tells while it runs."""

import pytest
import tensorflow as tf

from nasnet_tf.search.journal.records import (
    ChildRecord,
    read_rounds,
)
from nasnet_tf.search.progress import SearchLog
from tests.search.runs import run_search, small_search


def test_tensorboard_has_a_point_for_each_round(tmp_path):
    run_search(small_search("runtime.tensorboard=true"), tmp_path)
    (path,) = (tmp_path / "train").glob("events.*")
    points = {}
    for event in tf.compat.v1.train.summary_iterator(str(path)):
        for value in event.summary.value:
            points.setdefault(value.tag, []).append(
                (event.step, value.simple_value)
            )
    rounds = read_rounds(tmp_path / "metrics.jsonl")
    assert [step for step, _ in points["mean"]] == [6, 12, 18, 24]
    for name in ("best", "mean", "failures"):
        values = [value for _, value in points[name]]
        assert values == pytest.approx([line[name] for line in rounds])


def test_progress_tells_speed_and_time_left(tmp_path, capsys):
    now = [0.0]
    log = SearchLog(tmp_path, 100, 10, tensorboard=False, clock=lambda: now[0])
    best = ChildRecord(0, 0, (0,), None, reward=0.5, accuracy=0.5)
    for children in range(11):
        now[0] = 9.0 * children
        log.progress(2 * children, children, best)
    lines = capsys.readouterr().out.splitlines()
    # A child each 9 s; a line each 30 s where there is no terminal.
    assert lines == [
        "0/100 samples  0 children  best 0.5000",
        "8/100 samples  4 children  best 0.5000  400 children/h  7 min left",
        "16/100 samples  8 children  best 0.5000  400 children/h  6 min left",
    ]
