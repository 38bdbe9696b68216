r"""Trains a detector: Model Garden's trainer, with NASNet.

python -m detection.train --data=my_pictures --model_dir=runs/mine
python -m detection.train --experiment=fasterrcnn_nasnet_digits \
    --mode=train_and_eval --model_dir=runs/scenes
python -m detection.train --experiment=fasterrcnn_nasnet_mobile_coco \
    --mode=train_and_eval --model_dir=runs/coco \
    --params_override=task.initial_weights=imagenet

`--data` is a folder of images with annotations of COCO's, VOC's or YOLO's
format. The same command goes on where the job was stopped. Other flags as those
of `official.vision.train`.
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
# AP by which images that were trained on are above held-out ones where more
# of them are worth advising.
_BY_HEART = 0.3


@command_line.quiet
def main(arguments):
    command_line.check_no_arguments(arguments)
    values = flags.FLAGS
    if not values.model_dir:
        raise InputError("model_dir: missing; give --model_dir=MODEL_DIR")
    if not values.experiment and not values.data:
        raise InputError(
            "experiment: missing; give --experiment=EXPERIMENT, or "
            "--data=FOLDER for images of your own"
        )
    of_data = values.weights or values.skip_bad or values.strict
    if not values.data and of_data:
        raise InputError(
            "data: missing beside --weights, --skip_bad or --strict; give "
            "--data=FOLDER, or set task.initial_weights of the experiment"
        )
    if values.data and values["mode"].present:
        raise InputError(
            f"mode: {values.mode} beside --data, which trains and then "
            "evaluates; leave it out, or give --experiment alone"
        )
    check_packages(
        "detection.train",
        {"tf-models-official": "official", "pycocotools": "pycocotools"},
        extra="detection",
    )
    from detection.experiments import read_experiment
    from detection.job import run_experiment

    model_dir = expanded_path("model_dir", values.model_dir)
    files = values.config_file or ()
    override = ",".join(values.params_override or ())
    if values.data:
        _train_on(values, model_dir, files, override)
        return
    params = read_experiment(values.experiment, files, override)
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


def _train_on(values, model_dir, files, override):
    from detection.preparation.training import TRAINED_AP, train_on

    result = train_on(
        values.data,
        model_dir,
        weights=values.weights,
        experiment=values.experiment,
        config_files=files,
        params_override=override,
        skip_bad=values.skip_bad,
        strict=values.strict,
    )
    where = shlex.quote(str(model_dir))
    ap, ap50 = result.metrics["AP"], result.metrics["AP50"]
    trained = result.metrics[TRAINED_AP]
    print(
        f"done in {result.seconds:,.0f} s; AP {ap:.1%}, AP50 {ap50:.1%}; on "
        f"images it was trained on AP {trained:.1%}"
    )
    if trained - ap > _BY_HEART:
        print(
            "it finds far more in those than in new ones: annotate more "
            "images, or begin with --weights"
        )
    for path, what in result.files.items():
        print(f"  {path}  {what}")
    for line in result.left_out:
        print(line)
    print(
        f"find objects: python -m detection.predict --model={where} "
        "--images=FOLDER --out=found\n"
        f"for a phone: python -m detection.export --model={where} "
        "--format=litert --out=exported"
    )


def define_flags():
    flags.DEFINE_string(
        "data",
        None,
        "A folder of images and their annotations, in place of an experiment's "
        "data; sizes, batch, rate and length then follow from it.",
    )
    flags.DEFINE_string(
        "weights",
        None,
        "With --data: what the backbone begins with: imagenet, a .keras file "
        "of a NASNet, or the model_dir of a classifier's job.",
    )
    flags.DEFINE_bool(
        "skip_bad", False, "With --data: leave out what is bad in it."
    )
    flags.DEFINE_bool(
        "strict", False, "With --data: refuse images that cannot be read too."
    )
    flags.DEFINE_string(
        "experiment",
        None,
        "A name of configs/detection/, without .yaml; with --data what its "
        "choices go before.",
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
