r"""Measures a classifier on labelled images.

python -m nasnet_tf.evaluate --model_dir=runs/digits
python -m nasnet_tf.evaluate --model=flowers.keras --out=report \
    --config_file=folder_finetune --params_override=data.data_dir=flowers
python -m nasnet_tf.evaluate --model=imagenet --real_labels=real.json \
    --config_file=nasnet_a_mobile --params_override=data.data_dir=sets
"""

import pathlib

from absl import flags

from nasnet_tf import command_line
from nasnet_tf.arguments import expanded_path
from nasnet_tf.errors import InputError
from nasnet_tf.evaluation import (
    Classifier,
    Report,
    check_report_files,
    evaluate,
    file_classifier,
    format_report,
    job_classifier,
    read_real_labels,
    write_report,
)
from nasnet_tf.evaluation.evaluator import BATCH_SIZE
from nasnet_tf.output_file import make_folder
from nasnet_tf.train import define_flags

STEM = "evaluation"


def evaluate_job(model_dir, files=(), override=None) -> Report:
    """Evaluates the newest checkpoint of a training job on its own data.

    Prints the report and writes `evaluation.json` and `evaluation.png` into
    the job's folder.

    Args:
        model_dir: of the job.
        files: configurations that go before the job's; see `read_config`.
        override: goes before them, such as `"data.data_dir=moved"`.

    Raises:
        InputError: the folder holds no checkpoint, or see `run`.
    """
    return run(job_classifier(model_dir, files, override), out=model_dir)


def run(
    classifier: Classifier,
    split: str | None = None,
    out=None,
    batch_size: int = BATCH_SIZE,
    real_labels=None,
    match_class_names: bool = True,
) -> Report:
    """Evaluates, prints the report and writes its files.

    Args:
        classifier: of `job_classifier` or `file_classifier`.
        split: in place of the configuration's; `"held_out"`: the examples of
            the train split that training did not see.
        out: folder for the files, which is made; None: no files.
        batch_size: images at a time.
        real_labels: path of ImageNet's ReaL labels.
        match_class_names: see `nasnet_tf.evaluation.evaluate`.

    Raises:
        InputError: the data are not there, do not fit the model or cannot be
            read, or a file cannot be written.
    """
    from nasnet_tf.data import open_evaluation

    if real_labels is not None:
        real_labels = read_real_labels(real_labels)
    if out is not None:
        check_report_files(make_folder(out) / STEM)
    model, config = classifier.model, classifier.config
    source = open_evaluation(
        config.data,
        config.runtime.seed,
        split,
        model.class_names if match_class_names else None,
        classifier.kept,
    )
    report = evaluate(
        model,
        source,
        config.data,
        batch_size,
        real_labels,
        match_class_names,
        _input_size(config.model),
    )
    _print_heading(classifier.facts, source)
    print(format_report(report))
    if out is not None:
        _write(report, pathlib.Path(out), classifier.facts, source)
    return report


def _input_size(model):
    """What the configuration says of models that read any size."""
    from nasnet_tf.training.network import network_arguments

    if model.input_size is None and model.preset is None:
        return None
    return network_arguments(model)["input_shape"][:2]


def _print_heading(facts, source):
    detail = ""
    if "step" in facts:
        detail = f", step {facts['step']:,}, {facts['weights']} weights"
    print(f"{facts['model']}{detail}, on {source.name}")


def _write(report, out, facts, source):
    paths = write_report(
        report,
        out / STEM,
        title=f"{facts['model']} on {source.name}",
        facts={**facts, "data": source.name},
    )
    print("\nwrote")
    for path in paths:
        print(f"  {path}")


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


if __name__ == "__main__":
    define_flags()
    flags.DEFINE_string(
        "model", None, "A .keras file, or weights for the network configured."
    )
    flags.DEFINE_string(
        "split", None, "In place of the configuration's; or: held_out."
    )
    flags.DEFINE_string(
        "out", None, "Folder of evaluation.json and .png; default: model_dir."
    )
    flags.DEFINE_string("real_labels", None, "ImageNet's ReaL labels, JSON.")
    flags.DEFINE_integer("batch_size", BATCH_SIZE, "Images at a time.")
    flags.DEFINE_bool(
        "averaged", True, "Take moving averages of weights if there are any."
    )
    flags.DEFINE_bool(
        "match_class_names", True, "Hold the model's names to the data's."
    )
    command_line.run(main)
