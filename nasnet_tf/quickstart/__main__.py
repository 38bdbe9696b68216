"""Trains a small NASNet on handwritten digits and writes a report.

python -m nasnet_tf.quickstart --out=runs/quickstart

Exit code 1: it ran, but a result is not as it should be.
"""

import sys

from absl import flags

from nasnet_tf.quickstart.names import STAGES
from nasnet_tf.terminal import command_line


@command_line.quiet
def main(arguments):
    command_line.check_no_arguments(arguments)
    from nasnet_tf.quickstart.stages import run

    values = flags.FLAGS
    context = run(values.out, values.seed, values.epochs, values.stages)
    for failure in context.failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if context.failures else 0


def define_flags():
    flags.DEFINE_string("out", "runs/quickstart", "Folder for all files.")
    flags.DEFINE_integer("seed", 0, "Of weights, shuffling and shifts.")
    flags.DEFINE_integer("epochs", 8, "Passes over the training digits.")
    flags.DEFINE_list("stages", list(STAGES), "What to run, with all it needs.")


if __name__ == "__main__":
    command_line.run(main, define_flags)
