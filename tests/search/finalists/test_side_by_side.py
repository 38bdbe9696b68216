"""Trainings in processes of their own."""

import time

import pytest

from nasnet_tf.checks.errors import JobError
from nasnet_tf.search.finalists.side_by_side import run_side_by_side
from tests.conftest import line_of, slow
from tests.search.finalists.stand_in_trainings import StandIn


def trainings(folder, *does):
    return [StandIn(f"t{n}", folder, one) for n, one in enumerate(does)]


@pytest.mark.slow
def test_two_run_at_a_time_and_are_told(tmp_path, capfd):
    run_side_by_side(trainings(tmp_path, "meet", "meet"), workers=2)
    lines = capfd.readouterr().out.splitlines()
    assert lines[:2] == ["t0: begun", "t1: begun"]
    assert [line[2:] for line in lines[2:]] == [
        ": done (1 of 2)",
        ": done (2 of 2)",
    ]
    assert (tmp_path / "t1.log").read_text() == "t1 runs\n"


@pytest.mark.slow
def test_one_that_fails_ends_the_others(tmp_path, capfd):
    begun = time.monotonic()
    with pytest.raises(JobError, match=r"^no room for it$"):
        run_side_by_side(trainings(tmp_path, "sleep", "fail", "meet"), 2)
    assert time.monotonic() - begun < 200
    assert "t2" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("does", "line"),
    [
        ("die", r"the process of t0 was killed by SIGKILL; see .*t0.log, and"),
        slow("interrupt", r"^stopped with 0 of 1 trainings done; the same"),
    ],
)
def test_how_one_can_end(tmp_path, does, line):
    with pytest.raises(JobError, match=line) as error:
        run_side_by_side(trainings(tmp_path, does), workers=1, quiet=True)
    line_of(error)
