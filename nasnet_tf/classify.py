"""Classifies photos.

python -m nasnet_tf.classify photos/ cat.jpg --out=sheet.png
python -m nasnet_tf.classify photos/ --model=flowers.keras
"""

import sys

from absl import flags

from nasnet_tf.images.image_reading import image_reading
from nasnet_tf.images.photos import find_photos
from nasnet_tf.pictures.contact_sheet import check_sheet, write_sheet
from nasnet_tf.terminal import command_line


def main(arguments):
    values = flags.FLAGS
    check_sheet(values.out)
    # Before the network is loaded.
    find_photos(arguments, values.strict)
    from nasnet_tf.zoo.classification import classify, input_size, load_network

    model = load_network(values.preset, values.model)
    size = input_size(model)
    reading = image_reading(model, size, values.crop)
    print(f"photos are read as {reading.describe(size)}", file=sys.stderr)
    results = classify(
        model, arguments, values.top, crop=values.crop, strict=values.strict
    )
    for result in results:
        print(result.path)
        for name, probability in result.classes:
            print(f"  {probability:7.2%}  {name}")
    if values.out:
        write_sheet(results, values.out)
        print(f"wrote {values.out}")


def define_flags():
    flags.DEFINE_string(
        "preset",
        None,
        "The network; default: nasnet_a_mobile, or the file's.",
    )
    flags.DEFINE_string(
        "model",
        "imagenet",
        "A .keras file, a job's folder, weights for --preset, or imagenet.",
    )
    flags.DEFINE_alias("weights", "model")
    flags.DEFINE_integer("top", 5, "Classes to print for each photo.")
    flags.DEFINE_float(
        "crop", None, "Share of height and width, in place of the network's."
    )
    flags.DEFINE_bool(
        "strict", False, "Skip nothing: a file that cannot be read is an error."
    )
    flags.DEFINE_string("out", None, "A .png file for a contact sheet.")


if __name__ == "__main__":
    command_line.run(main, define_flags)
