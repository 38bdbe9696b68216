r"""Converts a Faster R-CNN with NASNet of TensorFlow's Object Detection API.

python -m detection.convert --checkpoint=faster_rcnn_nas_coco_2018_01_28 \
    --out=runs/published
python -m detection.predict --model=runs/published --images=photos --out=found

The published detectors are `faster_rcnn_nas_coco_2018_01_28` and
`faster_rcnn_nas_lowproposals_coco_2018_01_28`; others trained by that API are
read, too. What is written is a job's folder, for `detection.evaluate`,
`predict`, `export` and `train`.
"""

from absl import flags

from nasnet_tf.checks.arguments import parse_image_size
from nasnet_tf.checks.errors import InputError
from nasnet_tf.checks.packages import check_packages
from nasnet_tf.terminal import command_line


@command_line.quiet
def main(arguments):
    command_line.check_no_arguments(arguments)
    values = flags.FLAGS
    for name in ("checkpoint", "out"):
        if not values[name].value:
            raise InputError(f"{name}: missing; give --{name}=PATH")
    check_packages(
        "convert", {"tf-models-official": "official"}, extra="detection"
    )
    # Model Garden is slow to import.
    from detection.conversion.job import convert

    report = convert(
        values.checkpoint,
        values.out,
        pipeline_config=values.pipeline_config,
        label_map=values.label_map,
        image_size=parse_image_size(values.image_size, ("1200", "800x1200")),
        num_proposals=values.num_proposals,
        slim_variables=values.slim_variables,
        overwrite=values.overwrite,
    )
    print(f"{report}\nwrote")
    for path in sorted(report.folder.iterdir()):
        print(f"  {path}")


def define_flags():
    flags.DEFINE_string(
        "checkpoint", None, "A detector's folder, or its model.ckpt."
    )
    flags.DEFINE_string("out", None, "The folder to write.")
    flags.DEFINE_string(
        "pipeline_config", None, "Default: pipeline.config beside it."
    )
    flags.DEFINE_string(
        "label_map", None, "A .pbtxt; default: COCO's, of 90 classes."
    )
    flags.DEFINE_string(
        "image_size", None, "Without pipeline.config; default: 1200."
    )
    flags.DEFINE_integer(
        "num_proposals", None, "Without pipeline.config; default: 300."
    )
    flags.DEFINE_enum(
        "slim_variables",
        "auto",
        ("auto", "average", "plain"),
        "Of variables that have a moving average.",
    )
    flags.DEFINE_bool("overwrite", False, "Replace an earlier conversion.")


if __name__ == "__main__":
    command_line.run(main, define_flags)
