"""Folders of images, and images that cannot be decoded."""

import io
import logging
import weakref

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from nasnet_tf import InputError, data
from nasnet_tf.data import decoding
from nasnet_tf.data.decodable import check_decoded
from nasnet_tf.data.reading import configured_reading
from nasnet_tf.images.photos import open_photo
from tests.data.image_sets import (
    evaluation,
    folder_config,
    photo,
    same,
    training,
    write_folder,
)

COUNTS = {"train": {"cat": 5, "dog": 4}, "test": {"dog": 3}}


@pytest.fixture
def root(tmp_path):
    return write_folder(tmp_path / "pets", COUNTS)


def error_line(function, *arguments):
    with pytest.raises(InputError) as error:
        function(*arguments)
    line = str(error.value)
    assert "\n" not in line
    return line


def damage(path):
    """Cuts a file off; returns its path as text."""
    path.write_bytes(path.read_bytes()[:300])
    return str(path)


def test_an_unknown_home_folder_is_one_line():
    line = error_line(data.open_data, folder_config("~no-such-user/pets"))
    assert line.startswith(
        "data.data_dir: ~no-such-user/pets begins with a home folder"
    )


def test_classes_are_the_folders_of_the_train_split(root):
    (root / "train" / ".hidden").mkdir()
    opened = data.open_data(folder_config(root))
    assert opened.class_names == ["cat", "dog"]
    assert (opened.train.size, opened.evaluation.size) == (9, 3)
    assert opened.train.name == "pets, split train"
    (batch,) = evaluation(opened.evaluation, folder_config(root), 4)
    assert batch["labels"].tolist() == [1, 1, 1, 0]
    assert batch["weights"].tolist() == [1, 1, 1, 0]
    assert batch["numbers"].tolist() == [0, 1, 2, 0]
    assert batch["names"][2].decode() == str(root / "test" / "dog" / "2.jpg")
    alone = data.open_evaluation(
        folder_config(root), split="test", class_names=["bird", "dog"]
    )
    assert alone.class_names == ["bird", "dog"]


@pytest.mark.parametrize("augmentation", ["none", "inception"])
def test_evaluation_sees_what_classify_sees(tmp_path, augmentation):
    for number, size in enumerate([(100, 141), (77, 53), (32, 32), (20, 31)]):
        folder = tmp_path / "train" / "thing"
        folder.mkdir(parents=True, exist_ok=True)
        photo(number, size).save(folder / f"{number}.png")
    config = folder_config(
        tmp_path, augmentation=augmentation, evaluation_split="train"
    )
    source = data.open_data(config).evaluation
    (batch,) = evaluation(source, config, 4)
    for number in range(4):
        reading = configured_reading(config)
        expected = reading.read(folder / f"{number}.png", (32, 32))
        difference = (batch["images"][number] + 1) * 127.5 - expected
        assert np.abs(difference).max() < 1e-3


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [
        (".jpg", "RGB"),
        (".jpg", "L"),
        (".jpg", "CMYK"),
        (".png", "RGBA"),
        (".png", "LA"),
        (".png", "P"),
        (".png", "1"),
        (".bmp", "RGB"),
        (".bmp", "P"),
        (".bmp", "1"),
        (".gif", "P"),
        (".webp", "RGB"),
        (".webp", "RGBA"),
    ],
)
@pytest.mark.parametrize("orientation", [1, 6])
def test_all_commands_decode_to_the_same_bits(
    tmp_path, suffix, mode, orientation
):
    path = tmp_path / f"image{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = photo(1, mode=mode)
    if mode in ("RGBA", "LA"):
        picture.putalpha(128)
    picture.save(path, exif=exif)
    decoded = decoding.decode(path.read_bytes(), photo=True).numpy()
    np.testing.assert_array_equal(decoded, np.asarray(open_photo(path)))
    stored = decoding.decode(path.read_bytes()).numpy()
    assert stored.shape == (40, 48, 3)
    np.testing.assert_array_equal(
        stored, np.asarray(open_photo(path, turn=False))
    )


@pytest.mark.parametrize(
    ("suffix", "mode"), [(".bmp", "P"), (".bmp", "1"), (".webp", "RGBA")]
)
def test_what_tensorflow_alone_reads_otherwise_is_an_error(
    tmp_path, suffix, mode
):
    path = tmp_path / f"image{suffix}"
    picture = photo(1, mode=mode)
    if mode == "RGBA":
        picture.putalpha(128)
    picture.save(path)
    with pytest.raises(tf.errors.InvalidArgumentError):
        decoding.decode_without_python(path.read_bytes())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_as_exif_says(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    for form in ("JPEG", "PNG"):
        file = io.BytesIO()
        photo(2).save(file, form, exif=exif)
        (read,) = tf.data.Dataset.from_tensors(file.getvalue()).map(
            lambda photo: decoding.read_window(
                photo, decoding.whole, (40, 40), photo=True
            )
        )
        expected = open_photo(file).resize((40, 40), Image.Resampling.BILINEAR)
        assert np.abs(read - np.asarray(expected, float)).max() < 6


def test_corrupt_images_are_skipped_and_named(root, caplog):
    config = folder_config(root, augmentation="cifar", evaluation_split="train")
    source = data.open_data(config).train
    before = training(source, config, 6, batch_size=3)
    raw = training(source, folder_config(root), 6, batch_size=3)
    bad = [damage(root / "train" / "cat" / "3.jpg")]
    (root / "train" / "dog" / "1.jpg").write_bytes(b"")
    bad.append(str(root / "train" / "dog" / "1.jpg"))
    corrupt = data.CorruptImages()
    with caplog.at_level(logging.WARNING):
        after = training(source, config, 6, batch_size=3, corrupt=corrupt)
        plain = training(source, folder_config(root), 6, batch_size=3)
    assert sorted(corrupt.names) == bad and corrupt.count == 2
    for name in bad:
        line = f"{name} cannot be decoded"
        # Once by each of the two streams.
        assert sum(line in text for text in caplog.messages) == 2
    names = [
        example["name"].numpy().decode()
        for example in source.training_examples(0, 3).take(18)
    ]
    for step in range(6):
        for row in range(3):
            (images, labels), (was, wanted) = after[step], before[step]
            if names[3 * step + row] not in bad:
                # All others are where and as they were.
                same([(images[row], labels[row])], [(was[row], wanted[row])])
                continue
            # A good one of the batch stands in, with its label.
            found = [
                n
                for n in range(3)
                if names[3 * step + n] not in bad
                and (plain[step][0][row] == raw[step][0][n]).all()
                and (plain[step][1][row] == raw[step][1][n]).all()
            ]
            assert len(found) == 1
    # And resumed, all of it again.
    same(training(source, config, 3, batch_size=3, start=3), after[3:])


def test_a_class_without_an_image_to_decode_is_an_error(root):
    config = folder_config(root)
    source = data.open_data(config).train
    corrupt = data.CorruptImages()
    for number in range(4):
        corrupt.record([damage(root / "train" / "dog" / f"{number}.jpg")])
    line = error_line(data.open_data, config)
    assert line.startswith(
        "data.data_dir: none of the 4 images of the class 'dog' of pets, split "
        f"train can be decoded, such as {root}/train/dog/0.jpg; replace them"
    )
    assert error_line(check_decoded, source, corrupt) == line
    held_out = np.arange(9) != 5
    check_decoded(source.part(held_out, "rest"), data.CorruptImages())
    corrupt = data.CorruptImages()
    corrupt.record([str(root / "train" / "dog" / "0.jpg")])
    check_decoded(source, corrupt)


def test_folders_of_a_class_are_searched_and_hidden_files_left_out(root):
    before = data.open_data(folder_config(root)).train.image_names()
    assert before[:2] == ["cat/0.jpg", "cat/1.jpg"]
    for name in ("._0.jpg", ".tmp/x.jpg", "__MACOSX/0.jpg", "sub/a/7.TIFF"):
        path = root / "train" / "cat" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        photo(3).save(path, "tiff")
    (root / "train" / "__MACOSX").mkdir()
    opened = data.open_data(folder_config(root))
    assert opened.class_names == ["cat", "dog"]
    names = opened.train.image_names()
    assert names == [*before[:5], "cat/sub/a/7.TIFF", *before[5:]]


def test_what_cannot_be_decoded_weighs_nothing_in_evaluation(root):
    config = folder_config(root)
    source = data.open_data(config).evaluation
    (whole,) = evaluation(source, config, 4)
    name = damage(root / "test" / "dog" / "1.jpg")
    corrupt = data.CorruptImages()
    (batch,) = evaluation(source, config, 4, corrupt=corrupt)
    assert corrupt.names == [name]
    assert batch["weights"].tolist() == [1, 0, 1, 0]
    assert (batch["images"][1] == -1).all()
    for key in whole:
        if key != "weights":
            same([(batch[key][[0, 2, 3]],)], [(whole[key][[0, 2, 3]],)])
    for path in (root / "test").rglob("*.jpg"):
        damage(path)
    batches = evaluation(source, config, 2, corrupt=corrupt)
    assert corrupt.count == 3
    assert [batch["weights"].tolist() for batch in batches] == [[0, 0]] * 2


def test_a_corrupt_image_is_an_error_in_evaluation(root):
    name = damage(root / "test" / "dog" / "1.jpg")
    source = data.open_data(folder_config(root)).evaluation
    line = error_line(evaluation, source, folder_config(root))
    assert line == f"data: {name} cannot be decoded; replace or remove it"


def test_a_batch_without_a_good_image_is_an_error(root):
    source = data.open_data(folder_config(root)).train
    for path in (root / "train").rglob("*.jpg"):
        damage(path)
    with data.decoding_errors(), pytest.raises(InputError) as error:
        with data.decoding_errors():
            training(source, folder_config(root), 1)
    assert "and all other images of its batch cannot be" in str(error.value)


def test_an_error_lets_go_of_what_was_read(root):
    """Else the process may never end: see `_iterators_let_go`."""
    config = folder_config(root)
    source = data.open_data(config).train
    for path in (root / "train").rglob("*.jpg"):
        damage(path)
    found = []

    def read():
        batches = iter(data.training_batches(source, config, 32, "scale", 4, 4))
        found.append(weakref.ref(batches))
        next(batches)

    with pytest.raises(InputError) as error:
        with data.decoding_errors():
            read()
    assert error.value.__context__ is not None
    assert found[0]() is None


def test_a_vanished_image_is_one_line(root):
    source = data.open_data(folder_config(root)).evaluation
    (root / "test" / "dog" / "1.jpg").unlink()
    line = error_line(evaluation, source, folder_config(root))
    assert "dog/1.jpg" in line and line.startswith("data.data_dir: the images")


def test_other_errors_pass_through():
    with pytest.raises(tf.errors.InvalidArgumentError):
        with data.decoding_errors():
            tf.debugging.check_numerics([np.nan], "loss")


def test_bad_folders_are_one_line(root, tmp_path):
    def opened(folder=root, **fields):
        return error_line(data.open_data, folder_config(folder, **fields))

    line = opened(tmp_path / "none")
    assert line.startswith(f"data.data_dir: {tmp_path}/none/train is not a")
    line = opened(evaluation_split="val")
    assert "pets/val is not a folder" in line and "data.held_out=N" in line
    (root / "test" / "bird").mkdir()
    photo(0).save(root / "test" / "bird" / "0.png")
    assert "class 'bird' of" in opened()
    (root / "train" / "eel").mkdir()
    assert "train/eel has no images; it needs files that end" in opened()
    (tmp_path / "empty" / "train").mkdir(parents=True)
    assert "empty/train has no folders" in opened(tmp_path / "empty")
