"""How long a child may take, in numbers."""

import pytest

from nasnet_tf.search.journal.claims import Claims
from nasnet_tf.search.journal.records import ChildRecord
from nasnet_tf.search.workers import deadlines, deaths
from nasnet_tf.search.workers.deadlines import (
    AwakeClock,
    ChildWatch,
    child_limit,
)
from nasnet_tf.search.workers.signs_of_life import (
    SignsOfLife,
    presence_file,
    sign_of_life,
)


class Seconds:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def record(child, seconds, failure=None):
    return ChildRecord(
        child, 0, (child,), None, 0.5, 0.5, seconds=seconds, failure=failure
    )


def test_limit_of_a_child():
    assert child_limit([]) == child_limit([1.0] * 4) == 86_400
    assert child_limit([1.0] * 5) == 600
    assert child_limit([60.0, 61.0, 62.0, 9000.0, 1.0]) == 610
    # The paper's children.
    assert child_limit([2.4 * 3600] * 100) == 86_400


def test_a_clock_stands_still_while_its_process_does():
    seconds = Seconds()
    clock = AwakeClock(seconds)
    for step in (1, 5, 3600, 0.5):
        seconds.now += step
        last = clock()
    assert last == 1 + 5 + 10 + 0.5


def watch(seconds, records=()):
    return ChildWatch(lambda: records, seconds)


def test_a_child_is_overdue_after_ten_medians():
    seconds = Seconds()
    records = [record(child, 100.0 + child) for child in range(7)]
    records.append(record(7, 0.1, failure="diverged: the loss is nan"))
    watched = watch(seconds, records)
    assert watched.overdue({0: 8, 1: 9}, None) == {}
    seconds.now += 1000
    # Worker 1 began another one.
    assert watched.overdue({0: 8, 1: 10}, None) == {}
    seconds.now += 29
    assert watched.overdue({0: 8, 1: 10}, None) == {}
    seconds.now += 2
    assert watched.overdue({0: 8, 1: 10}, None) == {
        0: "took too long: more than 1,030 s, 10 times the median"
    }
    # Where it stops and begins again it has its time again.
    assert watched.overdue({0: None, 1: 10}, None) == {}
    assert watched.overdue({0: 8, 1: 10}, None) == {}


def test_short_children_have_ten_minutes_and_the_first_a_day():
    seconds = Seconds()
    records = [record(child, 2.0) for child in range(4)]
    watched = watch(seconds, records)
    watched.overdue({0: 4}, None)
    seconds.now += 86_399
    assert watched.overdue({0: 4}, None) == {}
    records.append(record(5, 2.0))
    seconds.now += 10
    assert watched.overdue({0: 4}, None) == {
        0: "took too long: more than 600 s, 300 times the median"
    }


def test_the_setting_goes_before_the_median():
    seconds = Seconds()
    watched = watch(seconds)
    watched.overdue({0: 0}, 2.5)
    seconds.now += 2.4
    assert watched.overdue({0: 0}, 2.5) == {}
    seconds.now += 0.2
    assert watched.overdue({0: 0}, 2.5) == {0: "took too long: more than 2.5 s"}
    assert watched.overdue({0: 0}, 5000.0) == {}


def test_a_long_journal_is_not_read_at_each_look():
    seconds, reads = Seconds(), []

    def records():
        reads.append(seconds.now)
        return []

    watched = ChildWatch(records, seconds)
    watched.overdue({0: 0}, None)
    for _ in range(700):
        seconds.now += 1
        watched.overdue({0: 0}, None)
    assert len(reads) == 10
    assert deadlines.FLOOR == 600


def test_workers_that_show_nothing(tmp_path):
    seconds = Seconds()
    for worker in range(3):
        path = presence_file(tmp_path, worker)
        path.parent.mkdir(exist_ok=True)
        path.write_text(sign_of_life("earlier", 3, 7))
    signs = SignsOfLife(tmp_path, 4, seconds)
    signs.look()
    seconds.now += 500
    # What an earlier process left is none of theirs; they still start.
    assert signs.children == {} and signs.silent(120) == {}
    presence_file(tmp_path, 0).write_text(sign_of_life("a", 0, None))
    presence_file(tmp_path, 1).write_text(sign_of_life("b", 0, 12))
    signs.look()
    assert signs.children == {0: None, 1: 12}
    seconds.now += 119
    # Half of a sign is one, and says nothing of a child.
    presence_file(tmp_path, 1).write_text("b 00000")
    signs.look()
    seconds.now += 2
    assert signs.silent(120) == {0: "no sign of life for 120 s"}
    assert signs.children == {0: None, 1: 12}


@pytest.mark.parametrize(
    ("boot", "kills", "reason"),
    [
        ("a", 3, "its process was killed"),
        ("a", 4, "out of memory"),
        # The machine was off.
        ("b", 0, None),
    ],
)
def test_a_claim_that_is_left_tells_of_a_killed_process(
    tmp_path, monkeypatch, boot, kills, reason
):
    monkeypatch.setattr(deaths, "_boot", lambda: "a")
    monkeypatch.setattr(deaths, "memory_kills", lambda: 3)
    claims = Claims(tmp_path)
    for child in (4, 5, 6):
        claims.take(child, deaths.life_note())
    # Stopped with a word; finished.
    claims.release(5)
    # Of a worker that others watch.
    claims.take(8)
    monkeypatch.setattr(deaths, "_boot", lambda: boot)
    monkeypatch.setattr(deaths, "memory_kills", lambda: kills)
    blamed = deaths.blame_left_children(claims, finished={6})
    assert blamed == ({4: reason} if reason else {})
    assert claims.deaths(4) == ([reason] if reason else [])
    assert [claims.deaths(child) for child in (5, 6, 8)] == [[], [], []]
    claims.sweep(finished={6})
    assert [claims.take(child) for child in (4, 5, 8)] == [2, 2, 2]
