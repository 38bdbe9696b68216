r"""Writes the report of a search.

python -m nasnet_tf.search.report --model_dir=runs/search --compare=runs/random
"""

from absl import flags

from nasnet_tf import command_line
from nasnet_tf.errors import InputError
from nasnet_tf.search.report import write_report


def main(arguments):
    command_line.check_no_arguments(arguments)
    if flags.FLAGS.model_dir is None:
        raise InputError("model_dir: missing; give that of a search")
    path = write_report(flags.FLAGS.model_dir, flags.FLAGS.compare)
    print(f"wrote {path}")


if __name__ == "__main__":
    flags.DEFINE_string("model_dir", None, "Of the search.")
    flags.DEFINE_multi_string(
        "compare", [], "model_dir of a search to draw beside it; repeatable."
    )
    command_line.run(main)
