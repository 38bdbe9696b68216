r"""Trains a detector: Model Garden's trainer, with NASNet.

python -m detection.train --experiment=fasterrcnn_nasnet_digits \
    --mode=train_and_eval --model_dir=runs/scenes
python -m detection.train --experiment=fasterrcnn_nasnet_mobile_coco \
    --mode=train_and_eval --model_dir=runs/coco \
    --params_override=task.initial_weights=imagenet

The same command goes on where the job was stopped. Flags as those of
`official.vision.train`.
"""

import shlex

from absl import flags

from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import InputError
from nasnet_tf.checks.packages import check_packages
from nasnet_tf.terminal import command_line

# Model Garden's, but for those that it has not implemented.
MODES = (
    "train",
    "eval",
    "train_and_eval",
    "continuous_eval",
    "train_and_post_eval",
)


@command_line.quiet
def main(arguments):
    command_line.check_no_arguments(arguments)
    values = flags.FLAGS
    for name in ("experiment", "model_dir"):
        if not values[name].value:
            raise InputError(f"{name}: missing; give --{name}={name.upper()}")
    check_packages(
        "detection.train",
        {"tf-models-official": "official", "pycocotools": "pycocotools"},
        extra="detection",
    )
    from detection.experiments import read_experiment
    from detection.job import run_experiment

    params = read_experiment(
        values.experiment,
        values.config_file or (),
        ",".join(values.params_override or ()),
    )
    model_dir = expanded_path("model_dir", values.model_dir)
    result = run_experiment(params, values.mode, model_dir)
    print(f"done in {result.seconds:,.0f} s; files")
    width = max(len(str(path)) for path in result.files)
    for path, what in result.files.items():
        print(f"  {path!s:{width}}  {what}")
    print(
        "COCO's numbers per class, pictures: python -m detection.evaluate "
        f"--model={shlex.quote(str(model_dir))} --images=FOLDER "
        "--annotations=FILE.json --out=FOLDER"
    )


def define_flags():
    flags.DEFINE_string(
        "experiment", None, "A name of configs/detection/, without .yaml."
    )
    flags.DEFINE_enum("mode", "train_and_eval", MODES, "As in Model Garden.")
    flags.DEFINE_string("model_dir", None, "The folder of the job's files.")
    flags.DEFINE_multi_string(
        "config_file",
        None,
        "A YAML file, or the name of one in configs/detection/; goes before "
        "the experiment, later ones before earlier ones.",
    )
    flags.DEFINE_multi_string(
        "params_override",
        None,
        "What goes before the files: trainer.train_steps=3,"
        "task.train_data.input_path=PATH; may be repeated.",
    )


if __name__ == "__main__":
    command_line.run(main, define_flags)
