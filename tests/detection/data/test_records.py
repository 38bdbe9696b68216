"""Record files: what Model Garden reads in them, and how they are replaced."""

import dataclasses
import io
import json
import threading

import numpy as np
import pytest
import tensorflow as tf
from official.vision.dataloaders import tf_example_decoder
from PIL import Image

from detection.data import records, threads
from detection.data.annotations import read_annotations
from detection.data.records import check_whole, write_records
from nasnet_tf import InputError
from tests.conftest import line_of
from tests.data.image_sets import photo
from tests.detection.coco_sets import (
    coco_set,
    contents,
    entry,
    names,
    read_set,
    write_set,
)


def decoded(paths):
    """What Model Garden reads, by source id."""
    decoder = tf_example_decoder.TfExampleDecoder()
    examples = [
        {key: value.numpy() for key, value in decoder.decode(example).items()}
        for path in paths
        for example in tf.data.TFRecordDataset(str(path))
    ]
    by_id = {int(example["source_id"]): example for example in examples}
    assert len(by_id) == len(examples)
    return by_id


def raw(paths):
    """`tf.train.Example` by file name."""
    examples = {}
    for path in paths:
        for example in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            features = tf.train.Example.FromString(example).features.feature
            name = features["image/filename"].bytes_list.value[0].decode()
            examples[name] = features
    return examples


def test_model_garden_reads_what_was_annotated(tmp_path):
    data = read_set(tmp_path)
    written = write_records(data, tmp_path / "out", shards=2)
    assert [path.name for path in written.paths] == [
        "train-00000-of-00002.tfrecord",
        "train-00001-of-00002.tfrecord",
    ]
    assert written.pattern == str(tmp_path / "out/train-*-of-00002.tfrecord")
    examples = decoded(written.paths)
    assert set(examples) == {11, 7, 300}
    example = examples[11]
    assert example["groundtruth_classes"].tolist() == [1, 2]
    assert example["groundtruth_is_crowd"].tolist() == [False, True]
    assert example["groundtruth_area"].tolist() == [150.5, 360]
    np.testing.assert_allclose(
        example["groundtruth_boxes"],
        [
            [2 / 40, 4.5 / 48, 12.25 / 40, 24.5 / 48],
            [20 / 40, 30 / 48, 40 / 40, 48 / 48],
        ],
        rtol=1e-7,
    )
    assert (example["height"], example["width"]) == (40, 48)
    assert example["image"].shape == (40, 48, 3)
    assert examples[7]["groundtruth_boxes"].tolist() == [[0, 0, 1, 1]]
    empty = examples[300]
    assert empty["groundtruth_boxes"].shape == (0, 4)
    assert empty["groundtruth_classes"].shape == (0,)
    assert empty["groundtruth_area"].shape == (0,)
    assert dataclasses.asdict(written) | {"paths": (), "categories": ""} == {
        "paths": (),
        "categories": "",
        "annotations": None,
        "num_classes": 3,
        "images": 3,
        "without_boxes": 1,
        "boxes": 3,
        "crowds": 1,
        "num_bytes": sum(path.stat().st_size for path in written.paths),
    }
    assert json.loads(written.categories.read_text()) == [
        {"id": 3, "name": "car", "label": 1},
        {"id": 90, "name": "toothbrush", "label": 2},
    ]


def test_other_features_name_file_and_classes(tmp_path):
    written = write_records(read_set(tmp_path), tmp_path / "out")
    examples = raw(written.paths)
    assert set(examples) == {"a.jpg", "below/b.jpg", "c.jpg"}
    features = examples["a.jpg"]
    assert features["image/format"].bytes_list.value == [b"jpeg"]
    assert features["image/object/class/text"].bytes_list.value == [
        b"car",
        b"toothbrush",
    ]


KEPT = [("JPEG", mode) for mode in ("RGB", "L", "CMYK")] + [
    ("PNG", mode) for mode in ("RGB", "RGBA", "L", "LA", "P", "1")
]
OTHERS = [
    ("GIF", "P"),
    ("WEBP", "RGB"),
    ("WEBP", "RGBA"),
    ("TIFF", "CMYK"),
    ("BMP", "RGB"),
    ("BMP", "P"),
    ("TIFF", "I;16"),
]


@pytest.mark.parametrize(("kind", "mode"), KEPT + OTHERS)
def test_images_of_all_kinds_are_read_as_rgb(tmp_path, kind, mode):
    """Whatever a file's name says."""
    images, annotations = write_set(tmp_path)
    picture = photo(0)
    if mode == "I;16":
        high = np.asarray(picture.convert("L")).astype("uint16") << 8
        picture = Image.fromarray(high + 7)
        expected = np.repeat((high >> 8)[..., np.newaxis], 3, axis=2)
    else:
        picture = picture.convert(mode)
    picture.save(images / "a.jpg", kind)
    if mode != "I;16":
        with Image.open(images / "a.jpg") as stored:
            expected = np.asarray(stored.convert("RGB"))
    data = read_annotations(annotations, images)
    written = write_records(data, tmp_path / "out")
    image = decoded(written.paths)[11]["image"]
    tolerance = 4 if kind == "JPEG" else 0
    np.testing.assert_allclose(image.astype(int), expected, atol=tolerance)
    features = raw(written.paths)["a.jpg"]
    encoded = features["image/encoded"].bytes_list.value[0]
    is_kept = encoded == (images / "a.jpg").read_bytes()
    assert is_kept == ((kind, mode) in KEPT)
    named = features["image/format"].bytes_list.value[0]
    with Image.open(io.BytesIO(encoded)) as stored:
        assert stored.format.encode() == named.upper()


def test_large_images_are_shrunk_with_their_boxes(tmp_path):
    data = read_set(tmp_path)
    whole = decoded(write_records(data, tmp_path / "whole").paths)[11]
    height, width = whole["image"].shape[:2]
    assert width > height
    written = write_records(data, tmp_path / "out", most_side=width // 2)
    shrunk = decoded(written.paths)[11]
    size = width // 2, round(height / width * (width // 2))
    assert shrunk["image"].shape == (*size[::-1], 3)
    for name in ("groundtruth_boxes", "groundtruth_classes"):
        np.testing.assert_allclose(shrunk[name], whole[name])
    scale = np.prod(shrunk["image"].shape) / np.prod(whole["image"].shape)
    area = whole["groundtruth_area"] * scale
    np.testing.assert_allclose(shrunk["groundtruth_area"], area, rtol=1e-5)
    # The pixels are those of the same places.
    expected = Image.fromarray(whole["image"].astype("uint8")).resize(size)
    difference = np.abs(shrunk["image"] - np.asarray(expected, float))
    assert difference.mean() < 4


def test_shards_share_the_images_and_shuffle_them_always_alike(tmp_path):
    content = coco_set()
    content["images"] *= 10
    content["images"] = [
        image | {"id": number} for number, image in enumerate(content["images"])
    ]
    content["annotations"] = [entry(1, 4, 3, [4, 2, 20, 10])]
    data = read_set(tmp_path, content)
    out = tmp_path / "out"
    written = write_records(data, out, "val", shards=4, workers=3)
    assert [path.name for path in written.paths] == [
        f"val-0000{number}-of-00004.tfrecord" for number in range(4)
    ]
    parts = [list(decoded([path])) for path in written.paths]
    assert [len(part) for part in parts] == [8, 8, 7, 7]
    order = [number for part in parts for number in part]
    assert sorted(order) == list(range(30)) != order
    before = contents(out)
    write_records(data, out, "val", shards=4, workers=1)
    assert contents(out) == before
    # Without a number of shards: eight for little data.
    assert len(write_records(data, out, "val").paths) == 8


def test_large_data_gets_more_files():
    assert records._shards(118_287, 19e9) == 190
    assert records._shards(5000, 0.8e9) == 8
    assert records._shards(3, 19e9) == 3
    assert records._shards(10**7, 2e12) == 1024


def test_a_rerun_replaces_the_set_of_its_name_only(tmp_path):
    data = read_set(tmp_path)
    out = tmp_path / "out"
    write_records(data, out, "train", shards=3)
    write_records(data, out, "train-big", shards=1)
    write_records(data, out, "val", shards=1)
    (out / "notes.txt").write_text("mine")
    write_records(data, out, "train", shards=2)
    assert names(out) == [
        "categories.json",
        "notes.txt",
        "train-00000-of-00002.tfrecord",
        "train-00001-of-00002.tfrecord",
        "train-big-00000-of-00001.tfrecord",
        "val-00000-of-00001.tfrecord",
    ]


def test_sets_in_one_folder_have_the_same_categories(tmp_path):
    out = tmp_path / "out"
    write_records(read_set(tmp_path), out, "train")
    before = contents(out)
    content = coco_set()
    content["categories"][0]["name"] = "bus"
    other = read_set(tmp_path, content)
    with pytest.raises(InputError) as error:
        write_records(other, out, "val")
    assert line_of(error) == (
        f"out: {out} holds records with other categories (3 is 'car' there "
        "and 'bus' here); give a folder of its own"
    )
    assert contents(out) == before
    write_records(other, out, "train")
    assert "bus" in (out / "categories.json").read_text()


def test_an_image_that_goes_away_leaves_the_earlier_set(tmp_path):
    data = read_set(tmp_path)
    out = tmp_path / "out"
    write_records(data, out, shards=1)
    before = contents(out)
    data.images[1].path.unlink()
    with pytest.raises(InputError) as error:
        write_records(data, out, shards=2)
    assert line_of(error).startswith(
        f"images: {data.images[1].path} changed while it was converted ("
    )
    assert contents(out) == before


def test_an_interrupt_leaves_nothing_and_stops_all_threads(
    tmp_path, monkeypatch
):
    data = read_set(tmp_path)
    original, stop = records.serialized_example, threads._Step.stop
    taken, stopped = [], threading.Event()

    def interrupted(image, *more):
        taken.append(image.id)
        if len(taken) == 1:
            raise KeyboardInterrupt
        # The thread may have a second file in hand before the first's error
        # arrives; it ends after this image.
        assert stopped.wait(60)
        return original(image, *more)

    def stop_and_tell(step):
        stop(step)
        stopped.set()

    monkeypatch.setattr(records, "serialized_example", interrupted)
    monkeypatch.setattr(threads._Step, "stop", stop_and_tell)
    with pytest.raises(KeyboardInterrupt):
        write_records(data, tmp_path / "out", shards=3, workers=1)
    assert names(tmp_path / "out") == []
    assert len(taken) < 3


def test_a_set_that_lacks_a_file_is_not_taken_for_whole(tmp_path):
    written = write_records(read_set(tmp_path), tmp_path / "out", shards=3)
    paths = list(tmp_path.glob("out/*"))
    assert check_whole(paths) == paths
    written.paths[1].unlink()
    with pytest.raises(InputError) as error:
        check_whole(tmp_path.glob("out/*"), "task.train_data.input_path")
    assert line_of(error) == (
        f"task.train_data.input_path: 1 of the 3 files of "
        f"{tmp_path / 'out' / 'train'} are missing (the first: number 00001); "
        "convert again with python -m detection.coco"
    )


def test_a_full_disk_is_told_before(tmp_path, monkeypatch):
    data = read_set(tmp_path)
    monkeypatch.setattr(
        "shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000})
    )
    with pytest.raises(InputError) as error:
        write_records(data, tmp_path / "out")
    assert "0.0 GB free, and the records take 0.0 GB; make" in line_of(error)
    assert names(tmp_path / "out") == []
