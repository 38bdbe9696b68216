"""How what a search found is trained."""

import pathlib
import shlex

from nasnet_tf.genotype import Genotype

_FILTERS = 8


def training_command(genotype_file) -> str:
    """A command that trains a network of found cells on the digits.

    Args:
        genotype_file: of the cells.
    """
    path = pathlib.Path(genotype_file)
    # Not every P can be divided by every genotype's P / F.
    penultimate_filters = _FILTERS * Genotype.load(path).filters_divisor
    override = (
        f"model.genotype={path.as_posix()},"
        f"model.penultimate_filters={penultimate_filters}"
    )
    return (
        "python -m nasnet_tf.train --config_file=digits "
        f"--params_override={shlex.quote(override)} --model_dir=runs/found"
    )
