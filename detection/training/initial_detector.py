"""A detector whose training starts from another one's checkpoint."""

import tensorflow as tf
import tf_keras

from detection.modeling.saved_variables import SavedVariables, variables_by_path
from nasnet_tf.checks.errors import InputError, first_line

# Whose shapes depend on the number of classes: in the heads of Faster R-CNN and
# of RetinaNet, ours and Model Garden's.
_HEADS = {"detection_head", "head"}
_OF_CLASSES = {"classifier", "_classifier", "box_regressor", "_box_regressor"}


# Of a damaged checkpoint.
_UNREADABLE = (tf.errors.OpError, IndexError, ValueError, RuntimeError)


def start_from(model: tf_keras.Model, path: str) -> list[str]:
    """Restores a checkpoint of Model Garden's trainer but for the classes.

    What has another shape in the head, for there are other classes, keeps the
    values that it has.

    Args:
        model: built.
        path: of a checkpoint, or of a job's folder, whose latest is taken.

    Returns:
        A line for each variable that starts fresh.

    Raises:
        InputError: there is no checkpoint, or it is another network's; the
            model is as it was.
    """
    if tf.io.gfile.isdir(path):
        latest = tf.train.latest_checkpoint(path)
        if latest is None:
            raise InputError(
                f"task.init_checkpoint: {path} holds no checkpoint; give a "
                "job's folder, or the path of a checkpoint without suffix"
            )
        path = latest
    try:
        saved = SavedVariables(path)
    except _UNREADABLE as error:
        raise _unreadable(path, error) from None
    variables = variables_by_path(model)
    fresh = {}
    for place, variable in variables.items():
        there, here = saved.shape(place), variable.shape.as_list()
        if there == here:
            continue
        parts = set(place)
        if there is None or not (parts & _HEADS and parts & _OF_CLASSES):
            found = "nothing" if there is None else f"the shape {there}"
            raise InputError(
                f"task.init_checkpoint: {path} is another network's: "
                f"{'/'.join(place)} has the shape {here}, and {found} there; "
                "give its configuration"
            )
        fresh[place] = f"{variable.name} {here}, {there} there"
    try:
        values = {
            place: saved.value(place)
            for place in variables
            if place not in fresh
        }
    except _UNREADABLE as error:
        raise _unreadable(path, error) from None
    for place, value in values.items():
        variables[place].assign(value)
    return list(fresh.values())


def _unreadable(path, error):
    return InputError(
        f"task.init_checkpoint: {path} cannot be read ({first_line(error)}); "
        "give another one"
    )
