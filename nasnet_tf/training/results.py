"""What a training job leaves behind."""

import dataclasses
import pathlib

from nasnet_tf.files.output_file import written_beside
from nasnet_tf.networks.nasnet import NASNet
from nasnet_tf.training.config import ExperimentConfig
from nasnet_tf.training.curves import write_curves
from nasnet_tf.training.model_card import write_model_card
from nasnet_tf.zoo.inference import for_inference

MODEL_FILE = "model.keras"
BEST_FILE = "best.keras"
CARD_FILE = "model_card.md"
CURVES_FILE = "curves.png"


@dataclasses.dataclass(frozen=True)
class TrainingResult:
    """A training job that ran.

    Args:
        model: the network as it is saved, with its softmax; with the averaged
            weights where the recipe keeps them.
        step: the step it is at.
        complete: False where a signal stopped the job before its last step.
        evaluation: the last evaluation's `loss`, `accuracy`, ..., or None.
        history: of `TrainingLog.history`.
        seconds: that this run took.
        files: what each file is, by its path; empty if not complete.
    """

    model: NASNet
    step: int
    complete: bool
    evaluation: dict | None
    history: dict[str, dict[str, list]]
    seconds: float
    files: dict[pathlib.Path, str]


def write_results(
    model_dir: pathlib.Path,
    model: NASNet,
    config: ExperimentConfig,
    log,
    card_facts: dict,
    best: dict | None = None,
) -> dict[pathlib.Path, str]:
    """Writes the network, its card and its curves.

    Args:
        model_dir: of the job.
        model: the network for inference.
        config: of the job.
        log: a `TrainingLog`.
        card_facts: further arguments of `write_model_card`.
        best: the weights of the lowest held-out loss, by name.

    Returns:
        What each file is, by its path.

    Raises:
        InputError: a file cannot be written.
    """
    paths = {
        model_dir / MODEL_FILE: "the network, for nasnet_tf.classify",
        model_dir / CARD_FILE: "what it is and how good",
        model_dir / CURVES_FILE: "loss, accuracy and learning rate",
    }
    network, card, curves = paths
    _save(model, network)
    if best is not None:
        path = model_dir / BEST_FILE
        paths[path] = "the network of the lowest held-out loss"
        _save(for_inference(model.get_config(), best), path)
    # The card shows the curves that are there.
    write_curves(curves, log.history())
    write_model_card(card, config, model, results=log.results, **card_facts)
    return paths


def _save(model, path):
    with written_beside(path, "model_dir") as beside:
        model.save(beside)
