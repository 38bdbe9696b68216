"""Searches for cells of a network that reads digits, for two minutes."""

import shutil
import subprocess
import sys

from nasnet_tf.checks.errors import JobError
from nasnet_tf.search.journal.reading import read_run
from nasnet_tf.search.report import pictures
from nasnet_tf.search.report.page import REPORT
from nasnet_tf.search.report.race import falls, noise_of_repeats

TITLE = "Searching for cells"
NEEDS = ()

FOLDER = "search"
CONFIG = "digits"
SAMPLES, ROUND_SIZE = 20, 10
RACE = 6
WORKERS = 2


def stage(context):
    """Returns the `SearchRun`.

    In processes of its own: TensorFlow has as many threads in this one as
    suits training, and a search's worker wants one.
    """
    folder = context.out / FOLDER
    # Begin anew; a search of its own would go on where it was.
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "nasnet_tf.search.run"]
    command += [f"--config_file={CONFIG}", f"--model_dir={folder}"]
    command += [f"--workers={WORKERS}", "--params_override="]
    command[-1] += (
        f"budget.samples={SAMPLES},budget.round_size={ROUND_SIZE},"
        f"strategy.name=rl,budget.race={RACE},budget.finalists=0,"
        f"runtime.seed={context.seed},runtime.tensorboard=false"
    )
    if subprocess.run(command).returncode:
        raise JobError("the search failed, see above")
    run = read_run(folder)
    best = max(record.accuracy for record in run.records)
    failures = len(run.failures)
    context.say(
        f"The paper's controller proposed {len(run.samples)} pairs of cells; "
        f"{len(run.records)} networks were trained for "
        f"{run.config['recipe']['steps']} steps each, {failures} of them "
        f"failed. The best reads {best:.1%} of the digits that were "
        f"held out of the training digits. {_what_it_tells(run)}"
    )
    context.section.figure(
        pictures.progress([run], [run.strategy]),
        "Best and means of the best 5 and 25 against samples, as in Figure 6 "
        "of the paper",
        wide=True,
    )
    context.files[folder / REPORT] = "the search, told at length"
    context.files[folder / "best.json"] = "the best cells, a genotype file"
    context.metrics["search"] = {
        "samples": len(run.samples),
        "children": len(run.records),
        "failures": failures,
        "best_accuracy": best,
    }
    if failures:
        reason = run.failures[0].failure
        context.failures.append(
            f"{failures} children of the search failed, one by {reason!r}"
        )
    return run


def _what_it_tells(run):
    """What so few samples can and cannot tell, by the race at their end."""
    more = (
        "So few samples tell good cells from bad ones, and not the best from "
        "the next: a search worth its name takes more, see the README."
    )
    pairs = falls(run)
    if not len(pairs):
        return more
    before, after = pairs.mean(axis=0)
    text = (
        f"The best {len(pairs)} of them were trained again with other random "
        f"numbers: {before:.1%} on average became {after:.1%}"
    )
    noise = noise_of_repeats(run)
    if noise is not None:
        text += (
            f", and trainings of one network differ by {100 * noise:.1f} points"
        )
    return f"{text}. {more}"
