"""Kills a search again and again: `python -m tests.search.kills --kills=20`.

It kills a worker, the leader or the supervisor, while children are trained,
while the controller is updated, or at any time; two workers on this machine
take about 20 s a kill.
"""

import collections
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

import psutil
from absl import app, flags

from nasnet_tf.search.journal.file_names import BEST_FILE, EXPECTED_FILE
from nasnet_tf.search.journal.records import (
    count_lines,
    read_rounds,
    read_trainings,
)
from tests.search.runs import RL, SMALL, SURROGATE

VICTIMS = ("worker", "leader", "supervisor")
MOMENTS = ("children", "update", "any time")
ROUND = 6
_PATIENCE = 120


def start(override, model_dir, workers=2, seconds=0.3, more=()):
    """The supervisor of a search, in a process of its own.

    Its workers are those of `tests.search.runs`, with these arguments more.
    """
    program = (
        "import sys;"
        "from nasnet_tf.search.workers.supervisor import Supervisor;"
        "command = [sys.executable, '-m', 'tests.search.runs', *sys.argv[2:]];"
        "Supervisor(command, int(sys.argv[1]), sys.argv[3],"
        " first_wait=0.1).run()"
    )
    arguments = [str(workers), override, str(model_dir), str(seconds), *more]
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def environment():
    """Of processes that import the tests."""
    return os.environ | {"PYTHONPATH": str(pathlib.Path.cwd())}


def finish(process):
    """What it printed, once it has ended well."""
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    return output


def digests(model_dir):
    """The controller's digest after each round."""
    lines = read_rounds(pathlib.Path(model_dir) / "metrics.jsonl")
    return [line["digest"] for line in lines]


def left_of(model_dir):
    """What is recommended, and what is believed of all children."""
    files = (pathlib.Path(model_dir) / n for n in (BEST_FILE, EXPECTED_FILE))
    return [path.read_text() for path in files if path.exists()]


def workers_of(process, count=2):
    """The processes of the workers, by their number, once all are there."""
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up:
        found = psutil.Process(process.pid).children()
        if len(found) == count:
            return sorted(found, key=lambda worker: worker.pid)
        time.sleep(0.05)
    raise AssertionError("the workers did not start")


def wait_for(moment, model_dir, draw, least=0):
    """Returns in the moment; False where the search was done before.

    And not before there are so many records.
    """
    give_up = time.monotonic() + _PATIENCE
    while count_lines(model_dir) < least and time.monotonic() < give_up:
        time.sleep(0.002)
    before = count_lines(model_dir)
    if moment == "any time":
        time.sleep(draw.uniform(0, 5))
        return True
    while time.monotonic() < give_up:
        now = count_lines(model_dir)
        # Every architecture of these searches is new: a round of lines, and
        # its update follows.
        if now > before and (moment == "children" or now % ROUND == 0):
            time.sleep(draw.uniform(0, 0.3 if moment == "children" else 0.05))
            return True
        time.sleep(0.002)
    return False


def kill_one(process, victim, model_dir):
    """Kills it and says how long the workers of a killed supervisor lived."""
    if victim == "supervisor":
        workers = psutil.Process(process.pid).children()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        begun = time.monotonic()
        while any(map(_is_alive, workers)):
            assert time.monotonic() < begun + 10
            time.sleep(0.005)
        return time.monotonic() - begun
    workers = workers_of(process)
    workers[0 if victim == "leader" else 1].kill()
    return None


def _is_alive(worker):
    try:
        return worker.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def run_with_kills(
    override, model_dir, kills, seed=0, tell=lambda line: None, trainings=0
):
    """Runs a search to its end through so many kills.

    Where it is said how many trainings it has, they are spread over these.

    After each it asserts that no record got lost, and at the end that no child
    was trained twice.
    """
    draw = random.Random(seed)
    plan = [(v, m) for m in MOMENTS for v in VICTIMS]
    process = start(override, model_dir)
    for number in range(kills):
        victim, moment = plan[number % len(plan)]
        least = trainings * number // (kills + 1)
        in_time = wait_for(moment, model_dir, draw, least)
        if process.poll() is not None:
            tell(f"{number}: the search was done before")
            process.communicate()
            break
        assert in_time
        kept = {r.number: r for r in read_trainings(model_dir)}
        lived = kill_one(process, victim, model_dir)
        tell(
            f"{number}: {victim} killed ({moment}) with {len(kept)} children"
            + (f"; its workers lived {lived:.2f} s more" if lived else "")
        )
        if victim == "supervisor":
            process = start(override, model_dir)
        after = {r.number: r for r in read_trainings(model_dir)}
        assert all(after[number] == record for number, record in kept.items())
    output = finish(process)
    records = lines_of_journal(model_dir)
    counts = collections.Counter(record.number for record in records)
    assert set(counts.values()) == {1}, counts.most_common(3)
    return output


def lines_of_journal(model_dir):
    """Every record of every file, a child that is there twice included."""
    from nasnet_tf.search.journal.records import ChildRecord

    folder = pathlib.Path(model_dir) / "journal"
    lines = [
        line
        for path in folder.glob("*.jsonl")
        for line in path.read_bytes().splitlines()
    ]
    records = [ChildRecord.from_json(line) for line in lines]
    assert None not in records
    return records


def main(_):
    values = flags.FLAGS
    samples = ROUND * max(10, values.kills)
    strategy = {"rl": RL, "surrogate": SURROGATE}[values.strategy]
    override = f"{SMALL},{strategy},budget.samples={samples}"
    override += f",budget.race={values.race}"
    override += f",budget.rounds_in_flight={values.rounds_in_flight}"
    override += ",runtime.max_restarts=20"
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = f"{folder}/whole", f"{folder}/killed"
        finish(start(override, whole, seconds=0.05))
        print(f"uninterrupted: digest {digests(whole)[-1]}", flush=True)
        run_with_kills(
            override,
            killed,
            values.kills,
            values.seed,
            lambda line: print(line, flush=True),
            len(lines_of_journal(whole)),
        )
        attempts = [record.attempt for record in lines_of_journal(killed)]
        print(
            f"{len(attempts)} trainings for {samples} samples, each once, "
            f"{sum(a > 1 for a in attempts)} of them not at the first attempt"
        )
        assert digests(killed) == digests(whole)
        assert left_of(killed) == left_of(whole)
        print(f"killed: digest {digests(killed)[-1]}, equal in every round")


if __name__ == "__main__":
    flags.DEFINE_integer("kills", 20, "How many.")
    flags.DEFINE_integer("seed", 0, "Of the moments.")
    flags.DEFINE_enum("strategy", "rl", ["rl", "surrogate"], "Of the search.")
    flags.DEFINE_integer("race", 0, "Trainings of its race.")
    flags.DEFINE_integer("rounds_in_flight", 1, "Of the search.")
    app.run(main)
