"""The search: rounds of proposals, children, and what is learned from them."""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Sequence

import tensorflow as tf

from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import InputError, JobError, first_line
from nasnet_tf.configuration.files import config_text
from nasnet_tf.data.given import GivenData
from nasnet_tf.files.lock import exclusive
from nasnet_tf.search.children import make_trainer
from nasnet_tf.search.config import SearchConfig
from nasnet_tf.search.config_checks import (
    check_same_search,
    check_search_config,
    make_space,
)
from nasnet_tf.search.journal.durable_files import replace, writable
from nasnet_tf.search.journal.file_names import CONFIG_FILE
from nasnet_tf.search.journal.records import ChildRecord
from nasnet_tf.search.objective import make_objective
from nasnet_tf.search.rounds import Rounds
from nasnet_tf.search.strategies import make_strategy
from nasnet_tf.search.workers.cluster import Presence, check_agreed, connect
from nasnet_tf.search.workers.supervision import is_supervised
from nasnet_tf.training.loop import stop_requested
from nasnet_tf.training.strategy import cluster_of_environment

_SAME_COMMAND = "start all of them again with the same command to go on"


@dataclasses.dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Args:
        best: the record that the race or the strategy expects most of, or
            else that of the highest reward; None before the first child.
        records: of all children, by child.
        samples: of the rounds that are done.
        complete: whether these are all.
        digest: of the strategy's state.
    """

    best: ChildRecord | None
    records: list[ChildRecord]
    samples: int
    complete: bool
    digest: str


def search(
    config: SearchConfig,
    model_dir,
    space=None,
    make_trainer: Callable | None = None,
    make_strategy: Callable | None = None,
    judge: Callable | None = None,
    quiet: bool = False,
    data=None,
    class_names: Sequence[str] | None = None,
) -> SearchResult:
    """Searches for cells, or goes on where an earlier run stopped (section 2).

    Where `TF_CONFIG` names several workers, each of them has to call this
    with the same arguments and a `model_dir` that they share.

    The same configuration ends with the same controller on the same number of
    workers, however often it was stopped or killed on the way, unless it
    searches for latency, which is measured anew.

    Args:
        config: of the search; see `config_checks.read_search_config`.
        model_dir: folder of the search's files. One that holds a search of
            the same configuration goes on.
        space: a `DecisionSpace` in place of the one that the configuration
            names, such as a benchmark table.
        make_trainer: `(config, space)` to an object with `train(genotype,
            seed)`, which returns a `children.result.ChildResult`, in place of
            training; in a space without genotypes it gets the decisions. It
            must be a function of both alone. With genotypes and without
            `judge` it also needs `data`, with `class_names` and
            `image_shape`.
        make_strategy: `(config.strategy, space, seed)` to a `Strategy`, in
            place of those of `nasnet_tf.search.strategies`.
        judge: `(genotype, accuracy)` to a dict with the `reward`, in place of
            `objective.Objective`; it gets None in a space without genotypes,
            where the accuracy is the reward otherwise.
        quiet: print nothing.
        data: arrays `(images, labels)` in place of what `config.data` names,
            as `nasnet_tf.training.job.train` takes them; `data.held_out` of
            them are judged on, or a fifth of each class. A search goes on
            with the same ones only, and all workers need the same.
        class_names: by label; None: `"0"`, `"1"`, ...

    Returns:
        What was found; also in `best.json` and the journal.

    Raises:
        InputError: the configuration, the data or the folder is bad, a worker
            never came up, or no child can be trained; one line.
        JobError: another worker stopped, the workers differ, or a child took
            too long, whose thread goes on in this process.
    """
    given = _arrays(data, class_names, make_trainer)
    if given:
        config = config.replace(data=given.configured(config.data))
    check_search_config(config)
    model_dir = expanded_path("model_dir", model_dir)
    check_same_search(model_dir, config)
    addresses, index = cluster_of_environment()
    several = len(addresses) > 1
    if several and config.child.method == "shared":
        raise InputError(
            "child.method: 'shared' trains one child after the other, and "
            f"there are {len(addresses)} workers; take one worker, or "
            "child.method=traced"
        )
    with contextlib.ExitStack() as stack:
        presence = None
        if several or is_supervised():
            # Before TensorFlow waits for all: of a missing worker it says
            # nothing.
            presence = Presence(model_dir, addresses, index)
            stack.callback(presence.end)
            runtime = config.runtime
            presence.wait_for_all(runtime.start_timeout, runtime.lost_after)
        # A supervisor holds the lock itself, for as long as its workers live.
        if index == 0 and not is_supervised():
            stack.enter_context(exclusive(model_dir))
        try:
            strategy = connect(config.runtime, len(addresses))
            with strategy.scope():
                return _run(
                    config,
                    model_dir,
                    make_space(config) if space is None else space,
                    make_trainer
                    or functools.partial(
                        _make_trainer, model_dir=model_dir, given=given
                    ),
                    make_strategy or _make_strategy,
                    judge,
                    quiet,
                    index,
                    several,
                    presence,
                )
        # That a worker died shows in what the others do together next.
        except tf.errors.OpError as error:
            if not several:
                raise
            raise JobError(
                f"another worker stopped ({first_line(error)}); {_SAME_COMMAND}"
            ) from error


def _run(
    config,
    model_dir,
    space,
    make_trainer,
    make_strategy,
    judge,
    quiet,
    index,
    several,
    presence,
):
    check_agreed(
        str(config.data.digest).encode(),
        "the data that they were given",
        "give all the same arrays and class_names",
    )
    check_agreed(
        _without_runtime(config), "their configurations", "give all the same"
    )
    # First: a folder of a search that cannot begin would refuse a mended one.
    strategy = make_strategy(config.strategy, space, config.runtime.seed)
    if config.objective.front and not strategy.pursues_front:
        raise InputError(
            f"objective.front: True with strategy.name {config.strategy.name!r}"
            ", which learns one number of a child; take "
            "strategy.name=surrogate, or objective.target in place of the front"
        )
    if index == 0:
        with writable(model_dir):
            model_dir.mkdir(parents=True, exist_ok=True)
            text = config_text(config)
            # The search would be another one without it.
            replace(model_dir / CONFIG_FILE, text.encode())
    rounds = Rounds(
        config,
        model_dir,
        space,
        strategy,
        # Called in a thread of its own, which is in no strategy's scope.
        lambda: _trainer_and_judge(config, space, make_trainer, judge),
        index,
        quiet,
    )
    if presence:
        presence.show(rounds.training)
    # A signal to one of several workers would stop it alone, and one that a
    # supervisor started would seem to be done.
    alone = not several and not is_supervised()
    with rounds, stop_requested(heed=alone) as stop:
        rounds.run(stop)
        # A worker that ends early looks to the others like a crash.
        check_agreed(b"end", "where they end", _SAME_COMMAND)
        return SearchResult(
            best=rounds.best,
            records=rounds.journal.records(),
            samples=rounds.samples,
            complete=rounds.complete,
            digest=rounds.strategy.digest(),
        )


def _arrays(data, class_names, make_trainer):
    """What a program gives; None where that is nothing."""
    given = GivenData.of(data, class_names=class_names)
    if given and not given.in_memory:
        raise InputError(
            f"data: a search takes arrays, (images, labels), and no "
            f"{given.train.kind}; give arrays"
        )
    if given and make_trainer is not None:
        raise InputError(
            "data: given beside make_trainer, which has its own; leave one out"
        )
    return given


# By other names: arguments of `search` are called as the functions are.
def _make_trainer(config, space, model_dir, given):
    return make_trainer(config, space, model_dir, given)


def _trainer_and_judge(config, space, make_trainer, judge):
    trainer = make_trainer(config, space)
    if judge is None and hasattr(space, "genotype"):
        judge = make_objective(config, trainer.data)
    return trainer, judge or _accuracy_alone


def _accuracy_alone(genotype, accuracy):
    return {"reward": float(accuracy)}


def _make_strategy(config, space, seed):
    return make_strategy(config, space, seed)


def _without_runtime(config):
    values = config.as_dict()
    seed = values.pop("runtime")["seed"]
    # Every machine may have the images elsewhere.
    values["data"].pop("data_dir")
    return f"{values} {seed}".encode()
