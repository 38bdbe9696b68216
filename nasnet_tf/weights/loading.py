"""Weights from a file into a model: all of them, or none and one line."""

import dataclasses

from absl import logging

from nasnet_tf.cells.genotypes import NASNET_A
from nasnet_tf.checks.errors import InputError
from nasnet_tf.networks.nasnet import NASNet
from nasnet_tf.networks.variables import CLASSIFIERS, is_weight, named_variables
from nasnet_tf.weights.imagenet import imagenet_file
from nasnet_tf.weights.names import keras_name, slim_name, timm_name
from nasnet_tf.weights.source import (
    KERAS,
    OURS,
    SLIM,
    TIMM,
    WeightsSource,
    read_source,
)

# Parts that a file may hold and a model lack: how their names begin.
_OPTIONAL_PARTS = {
    OURS: {"classifier": "logits/", "auxiliary head": "aux_"},
    KERAS: {"classifier": "predictions/"},
    SLIM: {"classifier": "final_layer/", "auxiliary head": "aux_"},
    TIMM: {"classifier": "last_linear."},
}
_LISTED = 10


@dataclasses.dataclass(frozen=True)
class WeightsReport:
    """What `load_weights` read.

    Args:
        path: the file, or the prefix of the checkpoint.
        format: such as `"Keras 2 .h5"` or `"TF-slim checkpoint"`.
        naming: whose tensor names: `"nasnet_tf"`, `"keras.applications"`,
            `"TF-slim"` or `"timm"`.
        tensors: how many it loaded.
        classes: classes of the file's classifier, None without one.
        background_dropped: whether class 0 of 1001 was left out.
        averaged: how many of the tensors are moving averages.
        skipped: parts of the file that the model lacks.
    """

    path: str
    format: str
    naming: str
    tensors: int
    classes: int | None
    background_dropped: bool
    averaged: int
    skipped: tuple[str, ...]

    def __str__(self):
        facts = [self.format]
        if self.naming != SLIM:
            facts.append(f"names of {self.naming}")
        if self.classes:
            dropped = ", class 0 dropped" if self.background_dropped else ""
            facts.append(f"{self.classes} classes{dropped}")
        if self.naming == SLIM:
            plain = self.tensors - self.averaged
            counts = {"averaged": self.averaged, "plain": plain}
            facts.append(
                " and ".join(f"{n} {kind}" for kind, n in counts.items() if n)
            )
        skipped = "".join(f"; skipped the {part}" for part in self.skipped)
        told = ", ".join(facts)
        return f"{self.tensors} tensors of {self.path} ({told}){skipped}"


def load_weights(
    model: NASNet, weights, *, slim_variables: str = "auto"
) -> WeightsReport:
    """Loads weights into a model and says what it read.

    The content of a file decides its kind, not its name. Everything is read
    and checked before the first variable changes.

    Args:
        model: a `NASNet`. A part of the file that it lacks, the classifier or
            the auxiliary head, is skipped.
        weights: `"imagenet"` for the official file of NASNet-A mobile or
            large, or the path of

            - a `.keras` or `.weights.h5` file of Keras 3, of a `NASNet` or of
              NASNet in `keras.applications`; a folded network's fits folded
              ones only;
            - a Keras 2 `.h5` file of the latter, weights or whole model;
            - a `.safetensors` file of timm's `nasnetalarge`. That network's
              average pools of stride 2 see zeros past the border, which the
              published weights were not trained with; here they do not;
            - a TF-slim checkpoint: its prefix, as `.../model.ckpt`. Of 1001
              classes a model with 1000 gets all but class 0, the background.
        slim_variables: which values of a TF-slim checkpoint to take: `"auto"`,
            the moving average of each variable that has one; `"average"`, the
            same but an error where none has; `"plain"`.

    Raises:
        InputError: the file is missing, damaged, no NASNet's or another
            network's; lists the tensors that do not fit.

    Example:
    >>> model = nasnet_tf.NASNetMobile(weights=None)
    >>> report = nasnet_tf.load_weights(model, "nasnet-a_mobile/model.ckpt")
    """
    if not isinstance(model, NASNet):
        raise InputError(
            f"model: {type(model).__name__} is no nasnet_tf.NASNet; load into "
            "the NASNet that it was made from"
        )
    if isinstance(weights, str) and weights == "imagenet":
        weights = imagenet_file(model)
    report = assign_source(model, read_source(weights, slim_variables))
    logging.info("Loaded %s", report)
    return report


def assign_source(model: NASNet, source: WeightsSource) -> WeightsReport:
    """`load_weights` from a file that is already read."""
    variables = {
        name: variable
        for name, variable in named_variables(model).items()
        if is_weight(name)
    }
    _check_folding(model, source, variables)
    names = _names_in_source(model, variables, source)
    tensors, skipped = _without_lacking_parts(source, names)
    values, dropped = {}, False
    for name, stored in names.items():
        value = tensors.get(stored)
        if value is None:
            continue
        values[name] = value
        if source.naming == SLIM and name.startswith(CLASSIFIERS):
            values[name] = _without_background(value, variables[name].shape)
            dropped |= values[name] is not value
    _check(model, source, names, tensors, variables, values)
    for name, variable in variables.items():
        variable.assign(values[name])
    return WeightsReport(
        path=source.path,
        format=source.format,
        naming=source.naming,
        tensors=len(values),
        classes=source.classes,
        background_dropped=dropped,
        averaged=sum(stored in source.averaged for stored in names.values()),
        skipped=skipped,
    )


def _check_folding(model, source, variables):
    folded_file, folded_model = (
        not any(
            name.endswith(("/moving_mean", ".running_mean")) for name in names
        )
        for names in (source.tensors, variables)
    )
    if folded_file and not folded_model:
        raise InputError(
            f"weights: {source.path} ({source.format}) is folded, without "
            f"batch norm, and {model.name} is not; load a .keras file whole "
            "with keras.saving.load_model, or load weights that are not folded"
        )
    if folded_model and not folded_file:
        raise InputError(
            f"weights: {source.path} ({source.format}) has batch norm and "
            f"{model.name} is folded; load it into the network that is not, "
            "and call nasnet_tf.fold_batch_norm on that"
        )


def _names_in_source(model, variables, source):
    """For each of our names the one in the file."""
    plan = model.plan
    if source.naming == OURS:
        return {name: name for name in variables}
    if source.naming == SLIM:
        return {name: slim_name(name, plan) for name in variables}
    for cell in plan.cells:
        if cell.cell not in (NASNET_A.normal, NASNET_A.reduction):
            raise InputError(
                f"weights: {source.path} is a file of {source.naming}'s "
                f"NASNet-A and {model.name} another genotype; give a file of "
                "that genotype"
            )
    if source.naming == TIMM:
        return {name: timm_name(name, plan) for name in variables}
    return {name: "/".join(keras_name(name, plan)) for name in variables}


def _without_lacking_parts(source, names):
    tensors, skipped = dict(source.tensors), []
    for part, prefix in _OPTIONAL_PARTS[source.naming].items():
        held = [name for name in tensors if name.startswith(prefix)]
        if held and not any(n.startswith(prefix) for n in names.values()):
            skipped.append(part)
            for name in held:
                del tensors[name]
    return tensors, tuple(skipped)


def _without_background(value, shape):
    if value.shape[-1] == 1001 and shape[-1] == 1000:
        return value[..., 1:]
    return value


def _check(model, source, names, tensors, variables, values):
    missing = [names[name] for name in variables if name not in values]
    extra = sorted(set(tensors) - set(names.values()))
    misshapen = [
        f"{names[name]} {tensors[names[name]].shape} for {tuple(shape)}"
        for name, value in values.items()
        if value.shape != tuple(shape := variables[name].shape)
    ]
    problems = {
        "missing": missing,
        "that the model lacks": extra,
        "of another shape": misshapen,
    }
    problems = {kind: names for kind, names in problems.items() if names}
    if not problems:
        return
    listed = "; ".join(
        f"{len(names)} {kind}: {_some(names, _LISTED // len(problems))}"
        for kind, names in problems.items()
    )
    classes = [name for name in values if name.startswith(CLASSIFIERS)]
    only_classes = len(misshapen) == len(classes) and not (missing or extra)
    remedy = "build the network that the file was saved from"
    if only_classes:
        remedy = f"build it with classes={source.classes} or include_top=False"
    raise InputError(
        f"weights: {source.path} ({source.format}) does not fit {model.name}: "
        f"{listed}; nothing was loaded; {remedy}"
    )


def _some(names, count):
    more = ", ..." if len(names) > count else ""
    return ", ".join(names[:count]) + more
