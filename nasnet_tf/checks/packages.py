"""Packages of the extras, which a plain installation lacks."""

import importlib.util

from nasnet_tf.checks.errors import InputError


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
