"""Configurations in YAML files and `--params_override`, read and saved."""

import contextlib
import copy
import os
import pathlib
from collections.abc import Callable, Iterable
from typing import TypeVar

import yaml

from nasnet_tf.checks.arguments import check_choice
from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.configuration.override import parse_override
from nasnet_tf.configuration.sections import Section
from nasnet_tf.configuration.values import flatten, typed_values
from nasnet_tf.files.output_file import written_beside

# Beside the package, in a checkout and where it is installed; `import configs`
# could find the folder of that name in which somebody works.
FOLDER = pathlib.Path(__file__).parents[2] / "configs"

_SUFFIX = ".yaml"
Configuration = TypeVar("Configuration", bound=Section)


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice: YAML's own drops the first."""

    def construct_mapping(self, node, deep=False):
        keys = set()
        for key in _scalar_keys(node):
            if key.value in keys:
                raise yaml.constructor.ConstructorError(
                    problem=f"{key.value!r} is there twice",
                    problem_mark=key.start_mark,
                )
            keys.add(key.value)
        return super().construct_mapping(node, deep)


def _scalar_keys(node):
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return [key for key, _ in pairs if isinstance(key, yaml.ScalarNode)]


def read_config(
    base: Configuration,
    files: Iterable[str | os.PathLike] = (),
    override: str | None = None,
    folder: pathlib.Path = FOLDER,
    parse: Callable[[str], dict] = parse_override,
) -> Configuration:
    """Reads a configuration.

    Args:
        base: what to start from; not changed. A `Section`, or a configuration
            of Model Garden's, which has the same methods.
        files: YAML files or names of `list_configs(folder)`; later ones go
            before earlier ones.
        override: as Model Garden's `--params_override`, such as
            `"recipe.steps=3,data.data_dir=../sets"`; goes before all files.
        folder: whose files go by their names.
        parse: makes values of that text; raises anything else than InputError
            where it cannot.

    Returns:
        A new configuration; every value has the type that its field declares.

    Raises:
        InputError: a file or the text cannot be read, a name is unknown, or
            a value has another type or is beyond its limits.
    """
    config = copy.deepcopy(base)
    for file in files:
        path = config_path(file, folder)
        where = _shown(path)
        config.override(typed_values(_read(path, where), config, where))
    if override:
        where = "params_override"
        values = _parse(parse, override, where)
        config.override(typed_values(values, config, where))
    return config


def save_config(config: Section, path) -> None:
    """Writes a configuration, all defaults included, as `read_config` reads it.

    Raises:
        InputError: the file cannot be written.
    """
    with written_beside(path, "model_dir") as beside:
        beside.write_text(config_text(config), encoding="utf-8")


def config_text(config: Section) -> str:
    """What `save_config` writes."""
    return yaml.safe_dump(config.as_dict(), sort_keys=False, allow_unicode=True)


def first_difference(
    saved: Section,
    now: Section,
    changeable: tuple[str, ...],
    fixed: tuple[str, ...],
) -> str | None:
    """Says why a run cannot go on from the checkpoint of another.

    Args:
        saved: of the run that is there.
        now: of the run that is to go on.
        changeable: beginnings of the names of what may differ.
        fixed: names of what may not, though they begin so.

    Returns:
        The first field that differs and both its values, or None.
    """
    before = flatten(saved.as_dict())
    for name, value in flatten(now.as_dict()).items():
        if name.startswith(changeable) and name not in fixed:
            continue
        if before[name] != value:
            return (
                f"{name}: {before[name]!r} in the checkpoint's configuration, "
                f"{value!r} now"
            )
    return None


def list_configs(folder: pathlib.Path = FOLDER) -> list[str]:
    """The names of the files in `configs/`, without their suffix."""
    return sorted(path.stem for path in folder.glob(f"*{_SUFFIX}"))


def config_path(
    name_or_path: str | os.PathLike, folder: pathlib.Path = FOLDER
) -> pathlib.Path:
    """The path of a configuration file.

    Args:
        name_or_path: a path, or a name of `list_configs(folder)`.
        folder: of the files that go by their names.

    Raises:
        InputError: it is neither; says the nearest name.
    """
    path = pathlib.Path(name_or_path)
    # OSError: a name that is too long for a file.
    with contextlib.suppress(OSError):
        if path.is_file():
            return path
    # `configs/digits.yaml`, as a checkout has it, where that is not at hand.
    if path.parent == folder.relative_to(FOLDER.parent):
        path = pathlib.Path(path.name)
    name = str(path).removesuffix(_SUFFIX)
    if path.parent != pathlib.Path():
        raise InputError(
            f"config_file: {_shown(path)} is not a file; give a YAML file or "
            f"one of {', '.join(list_configs(folder))}"
        )
    check_choice("config_file", name, list_configs(folder))
    return folder / f"{name}{_SUFFIX}"


def _read(path, where):
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise InputError(
            f"{where}: cannot be read ({error.strerror}); give another file"
        ) from None
    # ValueError: not UTF-8, or no such day; RecursionError: nested too deep.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{where}: {_reason(error)}") from None
    return _mapping({} if values is None else values, where)


def _parse(parse, text, where):
    try:
        return parse(text)
    # Model Garden opens what it cannot parse as a file: any error can follow.
    except Exception:
        raise InputError(
            f"{where}: {text!r} is malformed; write recipe.steps=3,"
            "data.train_split='train[:90%]', with quotes around a value that "
            "holds a comma or a bracket"
        ) from None


def _mapping(values, where):
    if isinstance(values, dict):
        return values
    raise InputError(
        f"{where}: holds no sections; write 'recipe:' and below it, indented, "
        "'steps: 3'"
    )


def _reason(error):
    mark = getattr(error, "problem_mark", None)
    reason = first_line(getattr(error, "problem", None) or error)
    line = f"line {mark.line + 1}: " if mark else ""
    return f"{line}{reason}; mend the YAML"


def _shown(path):
    return str(path) if str(path).isprintable() else repr(str(path))
