"""The command that turns COCO's format into records."""

import pathlib
import subprocess
import sys
import types

import pytest

from detection import coco
from detection.data.conversion import convert_coco
from nasnet_tf import InputError
from tests.conftest import line_of
from tests.data.image_sets import photo
from tests.detection.coco_sets import coco_set, names, write_set


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": ""}, "name: '' begins the files' names; use letters"),
        ({"name": "a/b"}, "name: 'a/b' begins"),
        ({"name": "a*"}, "name: 'a*' begins"),
        ({"shards": 0}, "shards: 0 is not a positive integer"),
        ({"shards": 10**5}, "shards: 100000 are too many; 99999 is the most"),
        ({"shards": 4}, "shards: 4 are more than the 3 images; give fewer"),
        ({"workers": 0}, "workers: 0 is not a positive integer"),
        ({"out": "a.json"}, "out: "),
        ({"images": "none"}, "images: none is not a folder"),
    ],
)
def test_bad_arguments_are_one_line(tmp_path, monkeypatch, arguments, words):
    write_set(tmp_path)
    monkeypatch.chdir(tmp_path)
    defaults = {"images": "images", "annotations": "a.json", "out": "out"}
    with pytest.raises(InputError) as error:
        convert_coco(**(defaults | arguments))
    assert line_of(error).startswith(words)
    assert not list(tmp_path.glob("out/*"))


def bad_set(folder):
    content = coco_set()
    content["annotations"][0]["bbox"] = [1, 1, 0, 0]
    return write_set(folder, content)


def test_the_command_ends_with_a_report_and_one_line(tmp_path):
    images, annotations = bad_set(tmp_path)
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "detection.coco", f"--images={images}"),
            *(f"--annotations={annotations}", f"--out={tmp_path / 'out'}"),
        ],
        cwd=pathlib.Path(coco.__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    *report, line = ended.stderr.splitlines()[-3:]
    assert report == [
        "1  boxes empty or negative",
        "     annotation 1: [1, 1, 0, 0]",
    ]
    assert line.startswith(f"error: annotations: {annotations} has 1 problem:")
    assert "Traceback" not in ended.stderr
    assert names(tmp_path / "out") == []


def test_the_command_tells_what_it_left_out_and_wrote(
    tmp_path, monkeypatch, capsys
):
    images, annotations = bad_set(tmp_path)
    out = tmp_path / "out"
    values = {"images": images, "annotations": annotations, "out": out}
    values |= {"name": "val", "shards": 2, "skip_bad": True, "strict": False}
    values |= {"workers": None}
    values |= {"first": None, "keep_ids": False, "allow_outside": False}
    values |= {"format": None, "labels": None}
    given = types.SimpleNamespace(**values)
    monkeypatch.setattr(coco.flags, "FLAGS", given)
    coco.main([])
    printed = capsys.readouterr()
    size = sum(path.stat().st_size for path in out.glob("*.tfrecord")) / 1e6
    assert printed.out.splitlines() == [
        "left out 0 images, 1 annotations (theirs included) and 0 categories",
        "wrote 3 images (1 without boxes), 2 boxes (1 crowds) of 2 "
        f"categories, {size:.1f} MB",
        f"records: {out}/val-*-of-00002.tfrecord, 2 files",
        f"categories: {out}/categories.json, num_classes 3",
        "no box is of 1 of the 2 categories, which keep their labels: 3 (car)",
    ]
    for words in ("checking: 100%", "writing: 100%", "1  boxes empty or"):
        assert words in printed.err
    # Of a photo that EXIF data turn, and one where nothing tells.
    exif = photo(0).getexif()
    for turn, size, name in ((6, (48, 40), "a"), (3, (40, 48), "c")):
        exif[274] = turn
        photo(0, size).save(images / f"{name}.jpg", exif=exif)
    coco.main([])
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "1 images were turned as their EXIF data says",
        "1 images are as stored: their EXIF data turn them, and their sizes do "
        "not tell whether they were annotated so",
    ]
    given.annotations = None
    with pytest.raises(InputError) as error:
        coco.main([])
    assert line_of(error).startswith("annotations: missing; give it as")
