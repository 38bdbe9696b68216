"""The front door: `nasnet`, its commands and their help."""

import importlib
import inspect
import json
import subprocess
import sys

import pytest

from nasnet_tf import __main__ as front_door
from nasnet_tf.terminal.commands import COMMANDS, overview
from nasnet_tf.terminal.versions import versions

# Imports all commands and makes their help, as `nasnet COMMAND --help` does.
HELPS = """
import json, sys
sys.argv[0] = "nasnet"
import importlib
from absl import app, flags, logging
from nasnet_tf.terminal.command_help import help_text
from nasnet_tf.terminal.commands import COMMANDS
absl, helps, heavy = set(flags.FLAGS), {}, {}
for name, command in COMMANDS.items():
    module = importlib.import_module(command.module)
    module.define_flags()
    own = set(flags.FLAGS) - absl
    helps[name] = help_text(module, f"nasnet {name}"), sorted(own)
    heavy[name] = sorted({"tensorflow", "keras", "official"} & set(sys.modules))
    for flag in own:
        delattr(flags.FLAGS, flag)
print(json.dumps([helps, heavy]))
"""


@pytest.fixture(scope="module")
def helps():
    run = subprocess.run(
        [sys.executable, "-c", HELPS],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(run.stdout)


def test_no_help_imports_tensorflow_or_keras(helps):
    assert {name: heavy for name, heavy in helps[1].items() if heavy} == {}


def test_help_tells_every_flag_and_how_to_call(helps):
    for name, (text, flags) in helps[0].items():
        line, _, rest = text.partition("\n\n")
        assert line == COMMANDS[name].line
        assert f"nasnet {name} " in rest
        for flag in flags:
            assert f"--{flag}\n" in text or f"--[no]{flag}\n" in text
        assert "repeat this option" not in text
        assert len(flags) > 0


def test_the_table_says_what_the_modules_say():
    for command in COMMANDS.values():
        module = importlib.import_module(command.module)
        assert inspect.getdoc(module).partition("\n\n")[0] == command.line
        assert f"  {command.line}" in overview()


def test_versions_are_those_installed():
    lines = dict(line.split(maxsplit=1) for line in versions().splitlines())
    import keras

    import nasnet_tf

    assert lines["nasnet_tf"] == nasnet_tf.__version__
    assert lines["keras"] == keras.__version__


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ([], None, "detect-train"),
        (["--help"], None, "detect-train"),
        (["--version"], None, "tensorflow"),
        (["trian"], 2, "command: 'trian' is unknown; did you mean 'train'?"),
    ],
)
def test_the_front_door(monkeypatch, capsys, arguments, code, told):
    monkeypatch.setattr(sys, "argv", ["nasnet", *arguments])
    if code is None:
        front_door.main()
    else:
        with pytest.raises(SystemExit) as exit:
            front_door.main()
        assert exit.value.code == code
    output = capsys.readouterr()
    assert told in (output.err if code else output.out)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["draw", "--help"], 0, "nasnet draw NASNET_A --out cells.svg"),
        (["draw", "--oot=x"], 2, "Unknown command line flag 'oot'"),
        (["train"], 2, "model_dir: missing"),
    ],
)
def test_commands_of_the_front_door(tmp_path, arguments, code, told):
    run = subprocess.run(
        [sys.executable, "-m", "nasnet_tf", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == code
    assert told in run.stdout + run.stderr
    assert (run.stdout if code else run.stderr) == ""


def test_who_imports_the_package_gets_all_of_it():
    program = (
        "import sys, nasnet_tf, keras\n"
        "assert 'nasnet_tf>NASNet' in keras.saving.get_custom_objects()\n"
        "assert set(nasnet_tf.__all__) <= set(dir(nasnet_tf))\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
