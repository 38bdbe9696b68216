"""What follows a search for a front: its cells as files, and NASNet's on it."""

import json
import pathlib
from collections.abc import Sequence

from nasnet_tf.cells.genotypes import get_genotype
from nasnet_tf.data.given import GivenData
from nasnet_tf.files.output_file import make_folder, written_beside
from nasnet_tf.search.children import make_trainer
from nasnet_tf.search.config import SearchConfig
from nasnet_tf.search.config_checks import make_space
from nasnet_tf.search.finalists.jobs import named_genotype
from nasnet_tf.search.journal.beliefs import read_beliefs
from nasnet_tf.search.journal.file_names import FRONT_FOLDER, REFERENCES_FILE
from nasnet_tf.search.journal.front import front_of
from nasnet_tf.search.journal.records import read_journal
from nasnet_tf.search.objective import make_objective
from nasnet_tf.search.workers.child_thread import child_seed

REFERENCES = ("NASNET_A", "NASNET_B", "NASNET_C")
# Trainings of each: one says little.
_SEEDS = 3


def write_front(model_dir) -> list[pathlib.Path]:
    """Writes the genotype of every child on the front; those of others go.

    Args:
        model_dir: of the search.

    Returns:
        `front/child_<number>.json`, the cheapest first.

    Raises:
        InputError: a file cannot be written.
    """
    folder = make_folder(pathlib.Path(model_dir) / FRONT_FOLDER, "model_dir")
    files = []
    for record in front_of(read_journal(model_dir), read_beliefs(model_dir)):
        if genotype := named_genotype(record):
            files.append(folder / f"{genotype.name}.json")
            genotype.save(files[-1])
    for old in folder.glob("child_*.json"):
        if old not in files:
            old.unlink()
    return files


def train_references(
    config: SearchConfig,
    model_dir,
    quiet: bool = False,
    data=None,
    class_names: Sequence[str] | None = None,
) -> pathlib.Path:
    """Trains NASNet-A, B and C as children, to stand beside the front.

    What is done is not done again.

    Args:
        config: of the search.
        model_dir: of the search.
        quiet: print nothing.
        data: arrays, of a search on arrays; see `search`.
        class_names: of them.

    Returns:
        `references.json`: of each its `name`, `rewards` of the seeds that
        could be trained, `failure` of one that could not, and where any could
        `cost`, `parameters`, `mult_adds` and `filters`.

    Raises:
        InputError: the file cannot be written.
    """
    path = pathlib.Path(model_dir) / REFERENCES_FILE
    entries = json.loads(path.read_text()) if path.is_file() else []
    if len(entries) == len(REFERENCES):
        return path
    config = config.replace(child=config.child.replace(method="built"))
    given = GivenData.of(data, class_names=class_names)
    trainer = make_trainer(config, make_space(config), given=given)
    judge = make_objective(config, trainer.data)
    for name in REFERENCES[len(entries) :]:
        entries.append(_trained(name, config, trainer, judge))
        with written_beside(path, "model_dir") as beside:
            beside.write_text(json.dumps(entries, indent=1) + "\n")
        if not quiet:
            rewards = " ".join(f"{r:.4f}" for r in entries[-1]["rewards"])
            told = entries[-1]["failure"] or f"rewards {rewards}"
            print(f"{name} as a child: {told}", flush=True)
    return path


def _trained(name, config, trainer, judge):
    genotype = get_genotype(name)
    rewards, judged, failure = [], {}, None
    for number in range(_SEEDS):
        seed = child_seed(config.runtime.seed, (), number)
        result = trainer.train(genotype, seed)
        if result.failure:
            failure = result.failure
            continue
        judged = judge(genotype, result.measured(config.objective.measure))
        rewards.append(judged.pop("reward"))
    return {"name": name, "rewards": rewards, "failure": failure, **judged}
