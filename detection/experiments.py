"""The experiments: NASNet detectors in Model Garden's registry.

Importing this module registers them, the backbone and the tasks. What they
are stands in `configs/detection/`, one YAML file each.
"""

import functools
import pathlib

from official.core import config_definitions as cfg
from official.core import exp_factory
from official.modeling import hyperparams

from detection.training.tasks import FasterRCNNTask, RetinaNetTask
from nasnet_tf.checks.arguments import check_choice
from nasnet_tf.configuration.files import FOLDER, list_configs, read_config

CONFIGS = FOLDER / "detection"


def list_experiments() -> list[str]:
    """The names of the experiments of this package."""
    return list_configs(CONFIGS)


def read_experiment(
    name: str,
    config_files=(),
    params_override: str | None = None,
    values: dict | None = None,
) -> cfg.ExperimentConfig:
    """The configuration of an experiment, with what differs from it.

    Args:
        name: one of `list_experiments()`.
        config_files: YAML files that go before it, later ones before earlier.
        params_override: such as `"trainer.train_steps=3"`; goes before them.
        values: nested, that go before the experiment and after the files.

    Raises:
        InputError: a name or a `type` is unknown, says the nearest; a file
            cannot be read; a value has another type.
    """
    check_choice("experiment", name, list_experiments())
    base = exp_factory.get_exp_config(name)
    base.override(values or {}, is_strict=True)
    params = read_config(
        base,
        config_files,
        params_override,
        CONFIGS,
        _parse,
    )
    _check_types(params)
    return params


def _parse(text):
    values = hyperparams.ParamsDict()
    # It knows no name yet; `read_config` checks all, and says the nearest.
    hyperparams.override_params_dict(values, text, is_strict=False)
    return values.as_dict()


def _check_types(config, where=""):
    """Whether each `type` names a field beside it, such as a backbone's."""
    values = {k: v for k, v in vars(config).items() if not k.startswith("_")}
    if isinstance(config, hyperparams.OneOfConfig) and config.type is not None:
        kinds = sorted(values.keys() - {"type"})
        check_choice(f"{where}type", config.type, kinds)
    for name, value in values.items():
        if isinstance(value, hyperparams.Config):
            _check_types(value, f"{where}{name}.")


def _experiment(path: pathlib.Path) -> cfg.ExperimentConfig:
    retinanet = path.stem.startswith("retinanet")
    task = RetinaNetTask() if retinanet else FasterRCNNTask()
    base = cfg.ExperimentConfig(task=task, trainer=cfg.TrainerConfig())
    return read_config(base, [path])


for _name in list_experiments():
    exp_factory.register_config_factory(_name)(
        functools.partial(_experiment, CONFIGS / f"{_name}.yaml")
    )
