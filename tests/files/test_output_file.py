import os
import pathlib
import re

import pytest

from nasnet_tf.checks.errors import InputError
from nasnet_tf.files.output_file import (
    check_output,
    make_folder,
    written_beside,
)


def refusal(path, *arguments):
    with pytest.raises(InputError) as error:
        check_output(path, *arguments)
    line = str(error.value)
    assert "\n" not in line
    return line


def test_what_can_be_written_passes_and_leaves_nothing(tmp_path):
    path = tmp_path / "a.PNG"
    assert check_output(str(path), (".svg", ".png")) == path
    assert list(tmp_path.iterdir()) == []
    path.write_text("old")
    assert check_output(path) == path
    assert path.read_text() == "old"


def test_what_cannot_be_written_is_one_line(tmp_path):
    line = refusal(tmp_path / "a.pdf", (".svg", ".png"))
    assert line == f"out: {tmp_path}/a.pdf does not end in .svg or .png"
    line = refusal(tmp_path / "none" / "a.png", None, "target")
    assert line == f"target: {tmp_path}/none is not a folder; make it first"
    (tmp_path / "folder.png").mkdir()
    line = refusal(tmp_path / "folder.png", (".png",))
    assert line.endswith("folder.png is a folder; name a file in it")
    assert "is a folder" in refusal("")
    (tmp_path / "file").write_text("mine")
    assert "file is not a folder" in refusal(tmp_path / "file" / "a.png")
    line = refusal(tmp_path / f"{'a' * 300}.png")
    assert "cannot be written (File name too long)" in line
    assert "cannot be written (" in refusal(tmp_path / "a\0\nb.png")


@pytest.mark.skipif(not pathlib.Path("/proc/self").is_dir(), reason="no /proc")
def test_a_folder_that_nobody_can_write_in():
    line = refusal("/proc/s.png")
    assert re.fullmatch(
        r"out: /proc/s.png cannot be written \(.+\); give another path", line
    )


def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("root writes anywhere")
        assert "(Permission denied)" in refusal(tmp_path / "a.png")
    finally:
        tmp_path.chmod(0o700)


def test_a_file_is_replaced_whole_or_stays(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), written_beside(path) as beside:
        assert beside.suffix == ".png" and beside.parent == tmp_path
        beside.write_text("half of the n")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    with written_beside(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("first line\nsecond line"), "first line"),
        (OSError(), "OSError"),
    ],
)
def test_a_failed_write_is_one_line(tmp_path, error, reason):
    path = tmp_path / "a.png"
    with (
        pytest.raises(InputError) as raised,
        written_beside(path, "target") as beside,
    ):
        beside.write_text("half")
        raise error
    assert str(raised.value) == (
        f"target: {path} cannot be written ({reason}); give another path"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_long_name_has_room(tmp_path):
    path = pathlib.Path(tmp_path, "a" * 250 + ".txt")
    with written_beside(check_output(path)) as beside:
        beside.write_text("new")
    assert path.read_text() == "new"


def test_a_folder_is_made_or_one_line(tmp_path):
    path = tmp_path / "a" / "b"
    assert make_folder(str(path)) == path and path.is_dir()
    assert make_folder(path) == path
    (path / "file").write_text("mine")
    for name, reason in (
        ("file", "File exists"),
        ("file/below", "Not a directory"),
        ("a" * 300, "File name too long"),
    ):
        with pytest.raises(InputError) as error:
            make_folder(path / name, "folder")
        assert str(error.value) == (
            f"folder: {path / name} cannot be a folder ({reason}); give "
            "another path"
        )
    for name in ("a\0b", f"{'a' * 300}\nb"):
        with pytest.raises(InputError, match=r"^out: '.*' cannot be a folder"):
            make_folder(path / name)
