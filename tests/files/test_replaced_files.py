"""Sets of files that take an earlier set's place, interrupted and killed."""

import pathlib

import pytest

from nasnet_tf import InputError
from nasnet_tf.files.replaced_files import replaced_files
from tests.conftest import line_of
from tests.detection.coco_sets import contents


@pytest.mark.parametrize("step", range(1, 6))
def test_an_interrupt_among_the_renames_puts_all_back(
    tmp_path, monkeypatch, step
):
    earlier = [tmp_path / name for name in ("a-1", "a-2", "b")]
    for path in earlier:
        path.write_text("old")
    rename, calls = pathlib.Path.rename, []

    def interrupted(path, target):
        calls.append(target)
        if len(calls) == step:
            raise KeyboardInterrupt
        return rename(path, target)

    with pytest.raises(KeyboardInterrupt):
        with replaced_files(tmp_path, "a", earlier[:2]) as work:
            for name in ("a-1", "b", "c"):
                (work / name).write_text("new")
            monkeypatch.setattr(pathlib.Path, "rename", interrupted)
    assert contents(tmp_path) == {path.name: b"old" for path in earlier}


def test_what_a_killed_run_left_goes(tmp_path):
    left = tmp_path / ".a.writing" / "new"
    left.mkdir(parents=True)
    (left / "a-1").write_text("half")
    with replaced_files(tmp_path, "a", []) as work:
        (work / "a-2").write_text("whole")
    assert contents(tmp_path) == {"a-2": b"whole"}


def test_two_at_once_do_not_mix(tmp_path):
    with replaced_files(tmp_path, "a", []) as work:
        (work / "a-1").write_text("first")
        with pytest.raises(InputError) as error:
            with replaced_files(tmp_path, "a", []):
                pass
        assert "another process writes 'a' in" in line_of(error)
        with replaced_files(tmp_path, "b", []) as other:
            (other / "b-1").write_text("other")
    assert contents(tmp_path) == {"a-1": b"first", "b-1": b"other"}
