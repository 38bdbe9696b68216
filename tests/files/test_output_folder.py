"""A folder appears whole or not at all, whatever happens."""

import errno
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile

import pytest

from nasnet_tf.checks.errors import InputError
from nasnet_tf.files.output_folder import check_folder, writing, written_folder
from tests.commands import LIGHT
from tests.conftest import line_of

NAMES = ("model.tflite", "model_card.md")


def export(out, text, overwrite=False, names=NAMES[:1]):
    path = check_folder(out, NAMES, overwrite)
    with written_folder(path) as folder:
        for name in names:
            (folder / name).write_text(text)


def content(folder):
    """Everything below a folder, hidden files too."""
    return {
        str(path.relative_to(folder)): path.is_file() and path.read_text()
        for path in folder.rglob("*")
    }


def names_in(folder):
    return {path.name for path in folder.iterdir()}


def test_folders_above_are_made(tmp_path):
    export(tmp_path / "a" / "b" / "out", "new")
    assert content(tmp_path / "a") == {
        "b": False,
        "b/out": False,
        "b/out/model.tflite": "new",
    }
    assert names_in(tmp_path) == {"a"}


def test_folder_has_the_usual_permissions(tmp_path):
    (tmp_path / "usual").mkdir()
    export(tmp_path / "out", "new")
    modes = {(tmp_path / name).stat().st_mode for name in ("usual", "out")}
    assert len(modes) == 1


def test_existing_folder_stays_unless_told(tmp_path):
    out = tmp_path / "out"
    export(out, "old", names=NAMES)
    with pytest.raises(InputError) as error:
        export(out, "new")
    assert "exists; give another folder" in line_of(error)
    assert "--overwrite" in line_of(error)
    assert set(content(out).values()) == {"old"}
    export(out, "new", overwrite=True)
    # The whole folder is replaced: no file of the old one is left.
    assert content(tmp_path) == {"out": False, "out/model.tflite": "new"}


def test_empty_folder_is_as_good_as_none(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    export(out, "new")
    assert content(out) == {"model.tflite": "new"}


def test_no_folder_of_anything_else_is_replaced(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    export(tmp_path / "sub", "x")
    with pytest.raises(InputError) as error:
        export(tmp_path, "new", overwrite=True)
    assert "holds 'sub', which no export wrote" in line_of(error)
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_places_that_are_no_folder(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    for bad in (file, link):
        with pytest.raises(InputError, match="is a file or a link"):
            check_folder(bad, NAMES, True)
    with pytest.raises(InputError, match=r"^out: .*Not a directory"):
        check_folder(file / "below", NAMES, True)
    with pytest.raises(InputError, match=r"^out: .*cannot be written"):
        check_folder("/proc/exported", NAMES, False)
    for missing in ("", None):
        with pytest.raises(InputError, match="out: missing; give a folder"):
            check_folder(missing, NAMES, False)
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("out", "line"),
    [
        ("/", r"^out: / holds '.+', which no export wrote; give a folder"),
        ("~nobody.of.this.name/x", r"^out: ~nobody.*x cannot be written \("),
        ("/proc/a\nb", r"^out: '/proc/a\\nb' cannot be written \("),
    ],
)
def test_odd_places_are_one_line(out, line):
    with pytest.raises(InputError, match=line) as error:
        check_folder(out, NAMES, True)
    line_of(error)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_failure_leaves_nothing(tmp_path, error):
    path = check_folder(tmp_path / "a" / "out", NAMES, False)
    with pytest.raises(error), written_folder(path) as folder:
        (folder / "model.tflite").write_text("half")
        raise error
    assert content(tmp_path) == {}


def test_failure_keeps_what_was_there(tmp_path):
    out = tmp_path / "out"
    export(out, "old")
    path = check_folder(out, NAMES, True)
    with pytest.raises(KeyboardInterrupt), written_folder(path) as folder:
        (folder / "model.tflite").write_text("half")
        raise KeyboardInterrupt
    assert content(tmp_path) == {"out": False, "out/model.tflite": "old"}


@pytest.mark.parametrize("failing", ["out", "new"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_failure_while_the_old_is_away(tmp_path, monkeypatch, failing, error):
    out = tmp_path / "out"
    export(out, "old")
    rename, renamed = pathlib.Path.rename, []

    def rename_and_fail(path, target):
        renamed.append(path.name)
        # The old one is taken away first; the new one is not put in place.
        if path.name != "new":
            rename(path, target)
        if path.name == failing:
            raise error

    monkeypatch.setattr(pathlib.Path, "rename", rename_and_fail)
    with pytest.raises((KeyboardInterrupt, InputError)):
        export(out, "new", overwrite=True)
    assert (renamed[0], renamed[-1]) == ("out", "old")
    assert content(tmp_path) == {"out": False, "out/model.tflite": "old"}


def test_another_export_that_begins_before_the_lock(tmp_path, monkeypatch):
    out = tmp_path / "out"
    make, made = tempfile.mkdtemp, []

    def made_and_found(*arguments):
        made.append(make(*arguments))
        if len(made) == 1:
            check_folder(out, NAMES, False)
            assert not os.path.lexists(made[0])
        return made[-1]

    path = check_folder(out, NAMES, False)
    monkeypatch.setattr(tempfile, "mkdtemp", made_and_found)
    with written_folder(path) as folder:
        (folder / "model.tflite").write_text("new")
    assert len([name for name in made if ".export.tmp" in name]) == 2
    assert content(tmp_path) == {"out": False, "out/model.tflite": "new"}


def test_full_disk_is_one_line(tmp_path):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(InputError) as error, writing(tmp_path):
        raise full
    assert "(No space left on device); make room" in line_of(error)
    with pytest.raises(ZeroDivisionError), writing(tmp_path):
        raise ZeroDivisionError


def test_file_that_is_too_large_for_the_system(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    path = check_folder(tmp_path / "out", NAMES, False)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        with (
            pytest.raises(InputError, match="File too large"),
            written_folder(path) as folder,
            writing(path),
        ):
            (folder / "model.tflite").write_bytes(bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert content(tmp_path) == {}


def test_tensorflow_reports_a_full_disk_its_own_way(tmp_path):
    import tensorflow as tf

    error = tf.errors.ResourceExhaustedError(
        None, None, "/out/.x.tmp; No space left on device\nmore"
    )
    with (
        pytest.raises(InputError, match=r"\(No space left on device\)"),
        writing(tmp_path),
    ):
        raise error


def test_tensorflow_reports_a_path_its_own_way(tmp_path):
    import tensorflow as tf

    path = check_folder(tmp_path / "out", NAMES, False)
    with (
        pytest.raises(InputError, match=r"^out: .*out cannot be written \("),
        written_folder(path) as folder,
        writing(path),
    ):
        (folder / "file").write_text("")
        tf.io.write_file(str(folder / "file" / "below"), "x")


def test_other_errors_of_tensorflow_are_not_taken_for_the_disk_s(tmp_path):
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError), writing(tmp_path):
        tf.reshape(tf.zeros(3), (2, 2))


KILLED = """
import signal, sys, time, pathlib
# Under nohup it would be ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
from nasnet_tf.files.output_folder import check_folder, written_folder
path = check_folder(sys.argv[1], ["model.tflite"], True)
with written_folder(path) as folder:
    (folder / "model.tflite").write_text("half")
    if sys.argv[2] == "replacing":
        path.rename(folder.parent / "old")
    print("there", flush=True)
    time.sleep(60)
"""


def begin(out, where):
    process = subprocess.Popen(
        [sys.executable, "-c", LIGHT + KILLED, str(out), where],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert process.stdout.readline() == "there\n"
    return process


def end(process):
    process.kill()
    process.communicate()


def test_what_a_killed_export_left_goes(tmp_path):
    out = tmp_path / "out"
    process = begin(out, "writing")
    (left,) = names_in(tmp_path)
    assert left.startswith(".out.")
    # As long as it runs, it is not touched.
    export(out, "new")
    assert names_in(tmp_path) == {left, "out"}
    end(process)
    export(out, "newer", overwrite=True)
    assert content(tmp_path) == {"out": False, "out/model.tflite": "newer"}


def test_export_killed_while_it_replaced_gives_back(tmp_path):
    out = tmp_path / "out"
    export(out, "old")
    end(begin(out, "replacing"))
    assert not out.exists()
    with pytest.raises(InputError, match="exists; give another folder"):
        export(out, "new")
    assert content(tmp_path) == {"out": False, "out/model.tflite": "old"}


def test_interrupt_from_the_keyboard(tmp_path):
    process = begin(tmp_path / "out", "writing")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert content(tmp_path) == {}


def test_other_folders_of_a_like_name_are_left_alone(tmp_path):
    other = begin(tmp_path / "out.b", "writing")
    end(other)
    before = names_in(tmp_path)
    export(tmp_path / "out", "new")
    assert names_in(tmp_path) == before | {"out"}
