"""Modules of the user's own, named to commands by NASNET_TF_PLUGINS."""

import sys

import pytest

from nasnet_tf.checks.errors import InputError
from nasnet_tf.terminal.plugins import VARIABLE, import_plugins


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Writes a module, and names it; gone after the test, with its path."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))

    def write(text, file="some_plugin.py", named=None):
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        monkeypatch.setenv(VARIABLE, named or str(path))
        return path

    return write


def test_files_and_modules_are_imported_once(plugin, monkeypatch):
    path = plugin("import sys\nsys.test_plugins += 1\n")
    monkeypatch.setattr(sys, "test_plugins", 0, raising=False)
    monkeypatch.setenv(VARIABLE, f" {path}, some_plugin,{path},")
    import_plugins()
    assert sys.test_plugins == 1
    assert sys.modules["some_plugin"].__file__ == str(path)
    # The process in which a file is timed finds it there.
    assert sys.path[-1] == str(path.parent)


def test_nothing_is_named(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    before = list(sys.path)
    import_plugins()
    assert sys.path == before


@pytest.mark.parametrize(
    ("text", "file", "named", "reason"),
    [
        ("1 / 0", "a.py", None, "ZeroDivisionError: division by zero"),
        ("(", "b.py", None, "SyntaxError: '.' was never closed"),
        ("", "json.py", None, r"ImportError: .*json\S* has the same name"),
        ("", "c.py", "no_such.py", "no_such.py' .*there is no such file"),
        ("", "d.py", "no_such_module", "No module named 'no_such_module'"),
    ],
)
def test_what_cannot_be_imported(plugin, text, file, named, reason):
    plugin(text, file, named)
    with pytest.raises(InputError, match=rf"^{VARIABLE}: .*{reason}"):
        import_plugins()
