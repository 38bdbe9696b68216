"""Trains a small NASNet on handwritten digits and writes a report.

python -m nasnet_tf.quickstart --out=runs/quickstart

Exit code 1: it ran, but a result is not as it should be.
"""

import sys

from absl import flags

from nasnet_tf import command_line, quickstart
from nasnet_tf.quickstart.training import EPOCHS


def main(arguments):
    command_line.check_no_arguments(arguments)
    values = flags.FLAGS
    context = quickstart.run(
        values.out, values.seed, values.epochs, values.stages
    )
    for failure in context.failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if context.failures else 0


if __name__ == "__main__":
    flags.DEFINE_string("out", "runs/quickstart", "Folder for all files.")
    flags.DEFINE_integer("seed", 0, "Of weights, shuffling and shifts.")
    flags.DEFINE_integer("epochs", EPOCHS, "Passes over the training digits.")
    flags.DEFINE_list(
        "stages", list(quickstart.STAGES), "What to run, with all it needs."
    )
    command_line.run(command_line.quiet(main))
