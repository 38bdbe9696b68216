"""Turns weights of any format that can be read into a `.keras` file.

python -m nasnet_tf.convert nasnet-a_mobile/model.ckpt mobile.keras
python -m nasnet_tf.convert imagenet large.keras --preset nasnet_a_large
"""

from absl import flags

from nasnet_tf.checks.errors import InputError
from nasnet_tf.terminal import command_line


def main(arguments):
    """The command: `FROM TO`."""
    if len(arguments) != 2:
        raise InputError(
            f"FROM TO: {len(arguments)} arguments given; run python -m "
            "nasnet_tf.convert FROM TO"
        )
    from nasnet_tf.zoo.conversion import convert

    values = flags.FLAGS
    source, target = arguments
    report = convert(
        source,
        target,
        preset=values.preset,
        classes=values.classes,
        slim_variables=values.slim_variables,
        overwrite=values.overwrite,
    )
    print(f"{target}: {report}")


def define_flags():
    flags.DEFINE_string("preset", None, "the network, where FROM does not say")
    flags.DEFINE_integer("classes", None, "classes of the classifier")
    flags.DEFINE_string(
        "slim_variables",
        "auto",
        "of TF-slim files: auto, average, plain",
    )
    flags.DEFINE_bool("overwrite", False, "replace an existing TO")


if __name__ == "__main__":
    command_line.run(main, define_flags)
