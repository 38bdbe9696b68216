r"""Measures a classifier on labelled images.

python -m nasnet_tf.evaluate --model_dir=runs/digits
python -m nasnet_tf.evaluate --model=flowers.keras --out=report \
    --config_file=folder_finetune --params_override=data.data_dir=flowers
python -m nasnet_tf.evaluate --model=imagenet --real_labels=real.json \
    --config_file=nasnet_a_mobile --params_override=data.data_dir=sets
"""

import pathlib

from absl import flags

from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import InputError
from nasnet_tf.terminal import command_line
from nasnet_tf.terminal.job_flags import define_job_flags


def _path(flag):
    # As text, for imagenet is a name.
    value = getattr(flags.FLAGS, flag)
    return value and str(expanded_path(flag, value))


def main(arguments):
    values = flags.FLAGS
    command_line.check_no_arguments(arguments)
    if bool(values.model) == bool(values.model_dir):
        given = "both" if values.model else "neither"
        raise InputError(
            f"model: {given} of --model and --model_dir given; give one"
        )
    model, model_dir, out, real_labels = map(
        _path, ("model", "model_dir", "out", "real_labels")
    )
    from nasnet_tf.evaluation import file_classifier, job_classifier
    from nasnet_tf.evaluation.reports import run
    from nasnet_tf.training.checkpoint import CONFIG_FILE

    # A folder called imagenet may hold a set of images.
    if model and (pathlib.Path(model) / CONFIG_FILE).is_file():
        model, model_dir = None, model

    files = values.config_file or ()
    override = ",".join(values.params_override or ())
    if model:
        classifier = file_classifier(
            model, files, override, values.split, values.averaged
        )
    else:
        classifier = job_classifier(model_dir, files, override, values.averaged)
    run(
        classifier,
        values.split,
        out or model_dir,
        values.batch_size,
        real_labels,
        values.match_class_names,
    )


def define_flags():
    define_job_flags()
    flags.DEFINE_string(
        "model",
        None,
        "A .keras file, a job's folder, or weights for the network configured.",
    )
    flags.DEFINE_string(
        "split", None, "In place of the configuration's; or: held_out."
    )
    flags.DEFINE_string(
        "out", None, "Folder of evaluation.json and .png; default: model_dir."
    )
    flags.DEFINE_string("real_labels", None, "ImageNet's ReaL labels, JSON.")
    flags.DEFINE_integer("batch_size", 32, "Images at a time.")
    flags.DEFINE_bool(
        "averaged", True, "Take moving averages of weights if there are any."
    )
    flags.DEFINE_bool(
        "match_class_names", True, "Hold the model's names to the data's."
    )


if __name__ == "__main__":
    command_line.run(main, define_flags)
