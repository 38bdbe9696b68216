r"""Trains a network.

python -m nasnet_tf.train --config_file=digits --model_dir=runs/digits
python -m nasnet_tf.train --config_file=configs/cifar10_small.yaml \
    --params_override=data.data_dir=tensorflow_datasets --model_dir=runs/cifar

The same command goes on where the job was stopped.
"""

import shlex

from absl import flags, logging

from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import InputError
from nasnet_tf.terminal import command_line
from nasnet_tf.terminal.job_flags import define_job_flags

MODES = ("train", "eval", "train_and_eval")


def main(arguments):
    values = flags.FLAGS
    command_line.check_no_arguments(arguments)
    if not values.model_dir:
        raise InputError("model_dir: missing; give --model_dir=FOLDER")
    model_dir = expanded_path("model_dir", values.model_dir)
    files = values.config_file or ()
    override = ",".join(values.params_override or ())
    if values.mode == "eval":
        from nasnet_tf.evaluation.reports import evaluate_job

        evaluate_job(model_dir, files, override)
        return
    if not files and not override:
        raise InputError(
            "config_file: missing; give --config_file=digits, or another of "
            "configs/"
        )
    from nasnet_tf.training.config_files import read_config
    from nasnet_tf.training.job import train

    # TensorFlow tells of every checkpoint at INFO.
    if not values["verbosity"].present:
        logging.set_verbosity(logging.WARNING)
    result = train(
        read_config(files, override),
        model_dir,
        evaluate=values.mode == "train_and_eval",
    )
    _tell(result, model_dir)


def _tell(result, model_dir):
    if not result.complete:
        saved = "a checkpoint is saved; " if result.step else ""
        print(
            f"stopped at step {result.step:,}; {saved}the same command goes on"
        )
        return
    print(f"done in {result.seconds:,.0f} s; wrote")
    width = max((len(str(path)) for path in result.files), default=0)
    for path, what in result.files.items():
        print(f"  {path!s:{width}}  {what}")
    if result.files:
        print(
            "per class, confusions, a picture: python -m nasnet_tf.evaluate "
            f"--model_dir={shlex.quote(str(model_dir))}"
        )


def define_flags():
    define_job_flags()
    flags.DEFINE_enum(
        "mode",
        "train_and_eval",
        MODES,
        "Train, evaluate what is there, or train and evaluate on the way.",
    )


if __name__ == "__main__":
    command_line.run(main, define_flags)
