"""The trainings of one finalist of a search."""

import copy
import dataclasses
import gc
import hashlib
import json
import pathlib
import statistics
from collections.abc import Sequence

from nasnet_tf.cells.genotype import Genotype
from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.data import open_data, open_evaluation
from nasnet_tf.data.given import GivenData
from nasnet_tf.evaluation import evaluate
from nasnet_tf.files.output_file import make_folder, written_beside
from nasnet_tf.search.config import BATCH_NORM_EPSILON, SearchConfig
from nasnet_tf.search.journal.records import ChildRecord
from nasnet_tf.search.objective import rewarded
from nasnet_tf.training.config import ExperimentConfig, RuntimeConfig
from nasnet_tf.training.job import train
from nasnet_tf.zoo.configured_network import ModelConfig
from nasnet_tf.zoo.mult_adds import count_mult_adds, count_parameters

GENOTYPE_FILE = "finalist.json"


@dataclasses.dataclass(frozen=True)
class Candidate:
    """An architecture to train longer.

    Args:
        name: of its files.
        genotype: its cells.
        record: of the search; None of one that stands beside it.
        filters: F; None: the children's.
    """

    name: str
    genotype: Genotype
    record: ChildRecord | None = None
    filters: int | None = None


@dataclasses.dataclass(frozen=True)
class SeedTraining:
    """The training of a candidate with one seed, in any process.

    Args:
        title: for messages.
        genotype: to train.
        job: its configuration.
        folder: of the job; what is done there is not done again.
    """

    title: str
    genotype: Genotype
    job: ExperimentConfig
    folder: pathlib.Path

    @property
    def log(self) -> pathlib.Path:
        """The file for what `run` prints."""
        return self.folder.with_suffix(".log")

    @property
    def done(self) -> bool:
        """Whether there is a result."""
        return self._file.is_file()

    @property
    def _file(self):
        return self.folder.with_suffix(".json")

    def result(self) -> dict:
        """What came of it, once it is done."""
        return json.loads(self._file.read_text(encoding="utf-8"))

    def told(self) -> str:
        """The result in a line, once it is done."""
        result = self.result()
        text = f"{self.title}: accuracy {result['accuracy']:.4f}"
        if result["test_accuracy"] is not None:
            text += f", of the evaluation split {result['test_accuracy']:.4f}"
        return text + (f" ({result['failure']})" if result["failure"] else "")

    def run(self, quiet: bool = False, **given) -> None:
        """Trains, or goes on where it was stopped.

        Args:
            quiet: print nothing.
            **given: `data` and `class_names` of `train`.

        Raises:
            InputError: a file cannot be written.
            JobError: it was stopped by a signal.
        """
        self.genotype.save(self.folder / GENOTYPE_FILE)
        seed = self.job.runtime.seed
        result = {"seed": seed, **_train(self.job, self.folder, quiet, given)}
        with written_beside(self._file, "model_dir") as beside:
            beside.write_text(json.dumps(result, indent=2) + "\n")


def named_genotype(record: ChildRecord) -> Genotype | None:
    """The cells of a child under its name; None in a space without."""
    if record.genotype is None:
        return None
    name = f"child_{record.child}"
    return Genotype.from_dict({**record.genotype, "name": name})


def finalist_config(config: SearchConfig) -> SearchConfig:
    """The configuration of a search with the N and F of its finalists."""
    budget, child = config.budget, config.child
    return config.replace(
        child=child.replace(
            num_cells=budget.finalist_num_cells or child.num_cells,
            filters=budget.finalist_filters or child.filters,
        )
    )


def images_of(
    config: SearchConfig, data=None, class_names: Sequence[str] | None = None
) -> tuple[int, int]:
    """The number of classes of a search's images, and of their channels.

    Args:
        config: of the search.
        data: arrays, of a search on arrays.
        class_names: of them.
    """
    given = GivenData.of(data, class_names=class_names)
    section = config.data
    if given:
        section = section.replace(**given.configured(section))
    opened = open_data(section, config.runtime.seed, given=given)
    return len(opened.class_names), opened.train.channels


def seed_trainings(
    candidate: Candidate, config: SearchConfig, folder
) -> list[SeedTraining]:
    """The trainings of a finalist, one for each seed.

    Args:
        candidate: to train.
        config: of the search.
        folder: of its jobs.

    Raises:
        InputError: a folder cannot be made.
    """
    folder = make_folder(folder, "model_dir")
    config = _config_of(candidate, config)
    trainings = []
    for number in range(config.budget.finalist_seeds):
        seed = config.runtime.seed + number
        job_folder = _job_folder(folder / f"seed_{seed}", candidate, config)
        trainings.append(
            SeedTraining(
                f"{candidate.name}, seed {seed}",
                candidate.genotype,
                job_config(
                    config,
                    job_folder / GENOTYPE_FILE,
                    candidate.genotype,
                    seed,
                ),
                job_folder,
            )
        )
    return trainings


def train_candidate(
    candidate: Candidate,
    config: SearchConfig,
    folder,
    quiet: bool = False,
    data=None,
    class_names: Sequence[str] | None = None,
) -> dict:
    """Trains a finalist with all seeds and returns its entry.

    Args:
        candidate: to train.
        config: of the search.
        folder: of its jobs; what is done there is not done again.
        quiet: print nothing.
        data: arrays, of a search on arrays; see `train`.
        class_names: of them.

    Raises:
        InputError: a file cannot be written.
        JobError: it was stopped by a signal.
    """
    results = []
    for training in seed_trainings(candidate, config, folder):
        if not training.done:
            training.run(quiet=True, data=data, class_names=class_names)
        results.append(training.result())
        if not quiet:
            print(training.told(), flush=True)
    return _entry(candidate, _config_of(candidate, config), results)


def _config_of(candidate, config):
    if not candidate.filters:
        return config
    # The caller's keeps its filters, for the next candidate.
    config = copy.deepcopy(config)
    config.child.filters = candidate.filters
    return config


def _job_folder(folder, candidate, config):
    """Where a job goes on: of other settings or cells it starts anew.

    Names do not tell cells apart: every search has a child 1.
    """
    child = config.child.as_dict()
    # What it decides are the filters.
    del child["match"]
    wanted = [
        candidate.genotype.to_dict(),
        child,
        finalist_recipe(config).as_dict(),
    ]
    text = json.dumps(wanted, sort_keys=True).encode()
    return make_folder(folder / hashlib.sha256(text).hexdigest()[:8])


def _train(job, folder, quiet, given):
    try:
        result = train(job, folder, quiet=quiet, **given)
    except JobError as error:
        return {
            "accuracy": 0.0,
            "test_accuracy": None,
            "seconds": 0.0,
            "parameters": None,
            "mult_adds": None,
            "failure": str(error),
        }
    finally:
        # Keras's graphs are cycles, which else pile up.
        gc.collect()
    if not result.complete:
        raise JobError(
            f"stopped at step {result.step:,} of {folder}; the same command "
            "goes on"
        )
    # What is complete was evaluated at its last step.
    assert result.evaluation is not None
    return {
        "accuracy": result.evaluation["accuracy"],
        "test_accuracy": _test_accuracy(result.model, job),
        "seconds": result.seconds,
        "parameters": count_parameters(result.model),
        "mult_adds": count_mult_adds(result.model),
        "failure": None,
    }


def _test_accuracy(model, job):
    """On the evaluation split, where it took no part; None without one."""
    source = job.data.held_out and evaluation_split(job)
    return evaluate(model, source, job.data).top1 if source else None


def evaluation_split(job: ExperimentConfig):
    """The `Source` of a job's evaluation split; None where there is none."""
    try:
        split = job.data.evaluation_split
        return open_evaluation(job.data, job.runtime.seed, split)
    except InputError:
        return None


def _entry(candidate, config, results):
    accuracies = [result["accuracy"] for result in results]
    accuracy = statistics.fmean(accuracies)
    tested = [result["test_accuracy"] for result in results]
    record, objective = candidate.record, config.objective
    sizes = {
        name: _first(results, name) for name in ("parameters", "mult_adds")
    }
    # N and F may be others than in the search; a latency stays the child's.
    cost = sizes.get(objective.cost, record.cost if record else None)
    return {
        "name": candidate.name,
        "child": record.child if record else None,
        "accuracy": accuracy,
        "accuracies": accuracies,
        "test_accuracy": None if None in tested else statistics.fmean(tested),
        "test_accuracies": tested,
        "reward": rewarded(objective, accuracy, cost),
        "search_accuracy": record.accuracy if record else None,
        "search_reward": record.reward if record else None,
        "cost": cost,
        "num_cells": config.child.num_cells,
        "filters": config.child.filters,
        **sizes,
        "seconds": sum(result["seconds"] for result in results),
        "failure": _first(results, "failure"),
    }


def _first(results, name):
    """What the first seed that has it says; None where none does."""
    return next((r[name] for r in results if r[name] is not None), None)


def job_config(
    config: SearchConfig, genotype_file, genotype: Genotype, seed: int
) -> ExperimentConfig:
    """The training job of a finalist.

    Args:
        config: of the search.
        genotype_file: of the finalist.
        genotype: that is in it.
        seed: of the job.
    """
    child = config.child
    return ExperimentConfig(
        model=ModelConfig(
            genotype=str(genotype_file),
            num_cells=child.num_cells,
            penultimate_filters=child.filters * genotype.filters_divisor,
            stem="cifar",
            stem_multiplier=child.stem_multiplier,
            input_size=child.input_size,
            preprocessing=child.preprocessing,
            drop_path_keep_prob=child.drop_path_keep_prob,
            batch_norm_momentum=child.batch_norm_momentum,
            # Judged as the children were.
            recalibrate_batch_norm=child.recalibrate_batch_norm,
            batch_norm_epsilon=BATCH_NORM_EPSILON,
            dtype=child.dtype,
        ),
        # A copy, of which `save_training_job` changes what is held out.
        data=copy.deepcopy(config.data),
        recipe=finalist_recipe(config),
        runtime=RuntimeConfig(
            seed=seed, tensorboard=config.runtime.tensorboard
        ),
    )


def finalist_recipe(config: SearchConfig):
    """The recipe of the search, longer."""
    recipe = copy.deepcopy(config.recipe)
    if config.budget.finalist_epochs is not None:
        recipe.epochs, recipe.steps = config.budget.finalist_epochs, None
    return recipe
