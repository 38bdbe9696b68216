r"""Writes the report of a search.

python -m nasnet_tf.search.report --model_dir=runs/search --compare=runs/random
"""

from absl import flags

from nasnet_tf.checks.errors import InputError
from nasnet_tf.terminal import command_line


def main(arguments):
    command_line.check_no_arguments(arguments)
    if flags.FLAGS.model_dir is None:
        raise InputError("model_dir: missing; give that of a search")
    from nasnet_tf.search.report.page import write_report

    path = write_report(flags.FLAGS.model_dir, flags.FLAGS.compare)
    print(f"wrote {path}")


def define_flags():
    flags.DEFINE_string("model_dir", None, "Of the search.")
    flags.DEFINE_multi_string(
        "compare", [], "model_dir of a search to draw beside it; repeatable."
    )


if __name__ == "__main__":
    command_line.run(main, define_flags)
