r"""Draws the cells of a genotype, in the manner of the paper's Figure 4.

python -m nasnet_tf.draw NASNET_A --out cells.svg
python -m nasnet_tf.draw found.json --out cells.png --title "my cells"
"""

from absl import flags

from nasnet_tf.checks.errors import InputError
from nasnet_tf.terminal import command_line


def main(arguments):
    if len(arguments) != 1:
        raise InputError(
            f"genotype: {len(arguments)} given; name one of NASNET_A, "
            "NASNET_B, NASNET_C or a .json file"
        )
    if flags.FLAGS.out is None:
        raise InputError("out: missing; give --out=cells.svg or .png")
    from nasnet_tf.pictures.cell_drawing import draw_genotype

    path = draw_genotype(arguments[0], flags.FLAGS.out, flags.FLAGS.title)
    print(f"wrote {path}")


def define_flags():
    flags.DEFINE_string("out", None, "The .svg or .png file to write.")
    flags.DEFINE_string("title", None, "Over the picture; default: the name.")


if __name__ == "__main__":
    command_line.run(main, define_flags)
