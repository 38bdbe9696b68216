"""Packages that are missing, and a user's files that hide ours."""

import importlib
import sys

import pytest

from nasnet_tf.checks.errors import InputError
from nasnet_tf.checks.packages import check_packages, hidden_package
from tests.conftest import line_of


def test_a_missing_package_names_its_extra():
    check_packages("draw", {"numpy": "numpy"})
    with pytest.raises(InputError) as error:
        check_packages("draw", {"a-b": "a_b_c"}, extra="export")
    assert line_of(error) == (
        "draw: a-b is missing; pip install 'nasnet_tf[export]'"
    )


def test_a_file_that_hides_ours_is_named(tmp_path, monkeypatch):
    (tmp_path / "export.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [n for n in sys.modules if n.partition(".")[0] == "export"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ImportError) as error:
        importlib.import_module("export.job")
    line = str(hidden_package(error.value))
    assert line.startswith(f"export: {tmp_path / 'export.py'} hides")
    assert line.endswith("run in another directory, or use the command nasnet")
    del sys.modules["export"]
    monkeypatch.undo()
    # Ours, and what is no part of this package.
    for name in ("export.none", "numpy.none"):
        with pytest.raises(ImportError) as error:
            importlib.import_module(name)
        assert hidden_package(error.value) is None
