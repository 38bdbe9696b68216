"""A classifier measured, told, and its report written."""

import pathlib

from nasnet_tf.data import open_evaluation
from nasnet_tf.evaluation.classifier import Classifier, job_classifier
from nasnet_tf.evaluation.evaluator import BATCH_SIZE, evaluate
from nasnet_tf.evaluation.measures import Report
from nasnet_tf.evaluation.real_labels import read_real_labels
from nasnet_tf.evaluation.report_files import (
    check_report_files,
    format_report,
    write_report,
)
from nasnet_tf.files.output_file import make_folder
from nasnet_tf.zoo.configured_network import network_arguments

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
