r"""Writes a small data set for detection: handwritten digits in scenes.

python -m detection.scenes --out=scenes
python -m detection.coco --images=scenes/train/images \
    --annotations=scenes/train/annotations.json --out=scenes/records
"""

from absl import flags

from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import InputError
from nasnet_tf.checks.packages import check_packages
from nasnet_tf.terminal import command_line


def main(arguments):
    values = flags.FLAGS
    command_line.check_no_arguments(arguments)
    if not values.out:
        raise InputError("out: missing; give a folder as --out=scenes")
    check_packages("scenes", {"scikit-learn": "sklearn"}, extra="detection")
    from detection.data.scenes import SPLITS, write_scenes

    out = expanded_path("out", values.out)
    for split in SPLITS:
        count = getattr(values, split)
        path = write_scenes(
            out / split,
            count,
            seed=values.seed,
            image_size=values.image_size,
            split=split,
        )
        print(f"wrote {count:,} scenes: {path}")


def define_flags():
    flags.DEFINE_string("out", None, "A folder for the sets.")
    flags.DEFINE_integer("train", 1000, "Scenes to train on.")
    flags.DEFINE_integer("validation", 200, "Scenes of other digits.")
    flags.DEFINE_integer("seed", 0, "Of all that is random.")
    flags.DEFINE_integer("image_size", 128, "Pixels a side.")


if __name__ == "__main__":
    command_line.run(main, define_flags)
