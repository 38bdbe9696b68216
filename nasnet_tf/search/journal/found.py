"""What a search found, and the command that trains it."""

import contextlib
import json
import pathlib
import shlex

from nasnet_tf.search.journal.beliefs import read_beliefs, recommended
from nasnet_tf.search.journal.file_names import (
    BEST_FILE,
    FINALISTS_FILE,
    FINALISTS_FOLDER,
    TRAINING_FILE,
)
from nasnet_tf.search.journal.records import read_journal


def found_file(model_dir) -> pathlib.Path:
    """The genotype file of the best finalist, or else of the best child.

    The latter too where the search went on after its finalists, and now
    recommends a child that is none of them.

    Args:
        model_dir: of a search; the file need not be there yet.
    """
    folder = pathlib.Path(model_dir)
    finalist = folder / FINALISTS_FOLDER / "1.json"
    if not finalist.is_file() or _overtaken(folder):
        return folder / BEST_FILE
    return finalist


def _overtaken(folder):
    with contextlib.suppress(OSError, ValueError, KeyError):
        text = (folder / FINALISTS_FILE).read_text(encoding="utf-8")
        trained = {e["child"] for e in json.loads(text)["finalists"]}
        best = recommended(read_journal(folder), read_beliefs(folder), 1)
        return bool(best) and best[0].child not in trained
    return False


def training_command(model_dir) -> str:
    """The command that trains what `save_training_job` wrote.

    Args:
        model_dir: of the search.
    """
    file = (pathlib.Path(model_dir) / TRAINING_FILE).as_posix()
    return (
        f"python -m nasnet_tf.train --config_file={shlex.quote(file)} "
        "--model_dir=runs/found"
    )
