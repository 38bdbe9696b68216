"""Packages of the extras, which a plain installation lacks."""

import importlib.util
import pathlib

from nasnet_tf.checks.errors import InputError

# Beside `nasnet_tf`, under names that a user's own files may have too.
_NEIGHBOURS = ("detection", "export")
_ROOT = pathlib.Path(__file__).resolve().parents[2]


def check_packages(what: str, packages: dict[str, str], extra="train") -> None:
    """Tells in one line that a package is not installed.

    Args:
        what: needs them; begins the line.
        packages: the name that each is imported by, by the package's name.
        extra: of nasnet_tf that brings them.

    Raises:
        InputError: one is missing.
    """
    for package, module in packages.items():
        if importlib.util.find_spec(module) is None:
            raise InputError(
                f"{what}: {package} is missing; "
                f"pip install 'nasnet_tf[{extra}]'"
            )


def hidden_package(error: ImportError) -> InputError | None:
    """What to say where a user's own file is imported in place of ours.

    `python -m` looks in the working directory first.

    Args:
        error: that an import ended with.

    Returns:
        None, where it has another reason.
    """
    name = (error.name or "").partition(".")[0]
    if name not in _NEIGHBOURS:
        return None
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return None
    found = pathlib.Path(spec.origin).resolve()
    if found.is_relative_to(_ROOT / name):
        return None
    return InputError(
        f"{name}: {found} hides the package of that name that belongs to "
        "nasnet_tf; run in another directory, or use the command nasnet"
    )
