r"""Searches for the cells of a network.

python -m nasnet_tf.search.run --config_file=digits --model_dir=runs/search
python -m nasnet_tf.search.run --config_file=cifar10_small \
    --params_override=data.data_dir=tensorflow_datasets \
    --model_dir=runs/cells --workers=2 --finalists=5

The same command goes on where the search was stopped. A child that hangs, or
kills its process, is tried twice and then counts as failed. On a cluster every
worker runs it with TF_CONFIG and a model_dir that all share.
"""

import json
import os
import sys

from absl import flags, logging

from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.search.journal.file_names import BEST_FILE
from nasnet_tf.search.journal.records import count_lines
from nasnet_tf.search.workers.supervision import is_supervised, watch_supervisor
from nasnet_tf.search.workers.supervisor import Supervisor, check_workers
from nasnet_tf.terminal import command_line
from nasnet_tf.terminal.job_flags import define_job_flags


def main(arguments):
    # First: the supervisor may end in the seconds that imports take.
    watch_supervisor()
    values = flags.FLAGS
    command_line.check_no_arguments(arguments)
    if not values.model_dir and not values.dry_run:
        raise InputError("model_dir: missing; give --model_dir=FOLDER")
    if not values.config_file and not values.params_override:
        raise InputError(
            "config_file: missing; give --config_file=digits, or another of "
            "configs/search/"
        )
    if not values["verbosity"].present:
        logging.set_verbosity(logging.ERROR)
    if values.dry_run:
        from nasnet_tf.search.simulation.dry_run import dry_run

        dry_run(_config(values))
        return
    model_dir = expanded_path("model_dir", values.model_dir)
    if values.workers:
        _supervise(values.workers, model_dir)
    else:
        _search(_config(values), model_dir)


def _worker_command():
    # Of a flag that is there twice the last one counts.
    program = [sys.executable, "-m", "nasnet_tf.search.run"]
    return [*program, *sys.argv[1:], "--workers=0"]


def _config(values):
    # Brings TensorFlow, which help and a supervisor do without.
    from nasnet_tf.search.config_checks import read_search_config

    config = read_search_config(
        values.config_file or (), ",".join(values.params_override or ())
    )
    if values.finalists is not None:
        config.budget.finalists = values.finalists
    return config


def _supervise(workers, model_dir):
    check_workers(workers)
    command = _worker_command()
    if not Supervisor(command, workers, model_dir).run():
        _tell_stopped(model_dir)
        return
    # One process, which finds the search complete.
    if flags.FLAGS.finalist_workers is None:
        command = [*command, f"--finalist_workers={workers}"]
    _become(command)


def _search(config, model_dir):
    # As in `_config`.
    from nasnet_tf.search.loop import search
    from nasnet_tf.search.workers.child_thread import is_training

    try:
        result = search(config, model_dir)
    except (InputError, JobError) as error:
        if not is_training():
            raise
        _leave(command_line.tell(error))
    if not result.complete:
        _tell_stopped(model_dir)
        _leave(0)
    # The supervisor finishes when all of its workers have ended.
    if is_supervised():
        return
    if os.environ.get("TF_CONFIG"):
        _finish_elsewhere()
        return
    _finish(config, result, model_dir)


def _finish(config, result, model_dir):
    # As in `_config`.
    from nasnet_tf.search.finalists.finish import finish, tell_written
    from nasnet_tf.search.journal.beliefs import read_beliefs

    best = result.best
    failures = sum(bool(record.failure) for record in result.records)
    told = f"best reward {best.reward:.4f}, accuracy {best.accuracy:.4f}"
    if belief := read_beliefs(model_dir).get(best.child):
        told = (
            f"the best is expected to have {belief.expected:.4f} ± "
            f"{belief.uncertainty:.4f}, its first reward was {best.reward:.4f}"
        )
    print(
        f"done: {result.samples:,} samples, {len(result.records):,} children, "
        f"{failures} of them failed; {told} (child {best.child})"
    )
    if config.budget.finalists:
        # The threads of a search's worker are too few for them.
        program = [sys.executable, "-m", "nasnet_tf.search.finalists"]
        _become(
            [
                *program,
                f"--model_dir={model_dir}",
                f"--finalists={config.budget.finalists}",
                f"--workers={flags.FLAGS.finalist_workers or 1}",
            ]
        )
    tell_written(model_dir, [model_dir / BEST_FILE, *finish(config, model_dir)])


def _finish_elsewhere():
    """The first worker of a cluster finishes when that is gone."""
    environment = dict(os.environ)
    if json.loads(environment.pop("TF_CONFIG"))["task"]["index"] == 0:
        _become(_worker_command(), environment)


def _become(command, environment=os.environ):
    """Goes on as another command: one process to stop, and none to orphan."""
    # What Python has not written yet would go with this program.
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, environment)


def _tell_stopped(model_dir):
    print(
        f"stopped; {count_lines(model_dir):,} children are kept in "
        f"{model_dir}; the same command goes on"
    )


def _leave(code):
    # The thread that trains a child cannot be ended, and Python would wait
    # for it or fall over it.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def define_flags():
    define_job_flags()
    flags.DEFINE_integer(
        "workers",
        0,
        "So many processes on this machine, started and supervised by the "
        "command; 0: this process alone, or a worker of TF_CONFIG's cluster.",
    )
    flags.DEFINE_integer(
        "finalists",
        None,
        "The best so many are trained longer; budget.finalists otherwise.",
        lower_bound=0,
    )
    flags.DEFINE_integer(
        "finalist_workers",
        None,
        "So many finalists are trained side by side; as many as --workers "
        "otherwise.",
        lower_bound=1,
    )
    flags.DEFINE_bool(
        "dry_run",
        False,
        "Print the size of the space, time a child, and say what the search "
        "will cost.",
    )


if __name__ == "__main__":
    command_line.run(main, define_flags)
