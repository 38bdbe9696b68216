"""Children: the networks that an architecture is judged by.

>>> trainer = make_trainer(config, space)
>>> trainer.train(space.genotype(decisions), seed=1).accuracy
"""

from __future__ import annotations

import pathlib

from nasnet_tf.checks.errors import InputError
from nasnet_tf.data.given import GivenData
from nasnet_tf.search.children.built import BuiltChildren
from nasnet_tf.search.children.data import ChildData
from nasnet_tf.search.children.result import ChildResult
from nasnet_tf.search.children.shared import SharedChildren
from nasnet_tf.search.children.traced.children import TracedChildren
from nasnet_tf.search.children.trainer import Trainer
from nasnet_tf.search.config import SearchConfig
from nasnet_tf.search.journal.file_names import SHARED_WEIGHTS_FILE
from nasnet_tf.search.space.cell_space import CellSpace

# With method "auto" a child of more steps is built. Building and tracing take
# 13 to 17 seconds of a core at N = 1, a traced step up to 20 milliseconds more
# than a built one, and both grow with the number of cells.
TRACED_STEPS = 700

__all__ = ["ChildResult", "Trainer", "make_trainer"]


def make_trainer(
    config: SearchConfig,
    space: CellSpace,
    model_dir=None,
    given: GivenData | None = None,
) -> Trainer:
    """What trains the children of a search.

    To be called outside the scope of a `tf.distribute` strategy: children
    are trained on one worker.

    Args:
        config: `child`, `data` and `recipe` count, and `runtime.seed` for the
            choice of held-out images.
        space: of the genotypes.
        model_dir: where method `"shared"` keeps the weights; None: nowhere.
        given: the images of `data.source` `"python"`.

    Raises:
        InputError: the data cannot be opened, or the method cannot do what
            is asked.
    """
    data = ChildData(config, given)
    method = _method(config, data.steps)
    if method == "shared":
        path = model_dir and pathlib.Path(model_dir) / SHARED_WEIGHTS_FILE
        return Trainer(SharedChildren(config, data, space, path))
    if method == "traced":
        return Trainer(TracedChildren(config, data, space))
    return Trainer(BuiltChildren(config, data))


def _method(config, steps):
    method = config.child.method
    drops_paths = config.child.drop_path_keep_prob < 1
    if method in ("traced", "shared") and drops_paths:
        raise InputError(
            f"child.method: {method!r} knows no drop path; set "
            "child.drop_path_keep_prob=1 or child.method=built"
        )
    if method != "auto":
        return method
    return "built" if drops_paths or steps > TRACED_STEPS else "traced"
