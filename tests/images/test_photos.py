"""Photos of extreme sizes, and files that are none."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from nasnet_tf.data import decoding
from nasnet_tf.images import photos
from nasnet_tf.images.image_files import image_files
from nasnet_tf.images.image_reading import ImageReading
from nasnet_tf.images.photos import (
    open_photo,
    open_reduced,
    reduction,
    turned_size,
)
from nasnet_tf.images.skipped import Skipped, reason
from nasnet_tf.pictures.contact_sheet import write_sheet
from nasnet_tf.zoo.classification import Classification
from tests.data.image_sets import photo


def encoded(image, kind="PNG", **how):
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file


def test_reduction():
    sizes = [(1, 1), (8192, 4096), (8192, 4097), (12000, 9000), (20000, 8000)]
    assert [reduction(size) for size in sizes] == [1, 1, 4, 4, 8]
    assert [reduction(size[::-1]) for size in sizes] == [1, 1, 4, 4, 8]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "CMYK", "P"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_large_photos_are_read_reduced(monkeypatch, kind, mode, orientation):
    if (kind, mode) in (
        ("JPEG", "RGBA"),
        ("JPEG", "P"),
        ("PNG", "CMYK"),
        ("WEBP", "CMYK"),
        ("WEBP", "P"),
        ("WEBP", "L"),
    ):
        pytest.skip("no such file")
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = encoded(photo(1, (203, 310), mode), kind, exif=exif)
    whole = open_photo(file)
    np.testing.assert_array_equal(open_reduced(file), whole)
    monkeypatch.setattr(photos, "LARGE", 1000)
    monkeypatch.setattr(photos, "_REDUCED", 310 * 203 // 16 + 1)
    small = open_reduced(file)
    assert small.size == tuple(-(-side // 4) for side in whole.size)
    assert turned_size(file) == whole.size
    expected = np.asarray(whole.reduce(4), int)
    assert np.abs(np.asarray(small, int) - expected).mean() < 3


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP"])
def test_training_reduces_to_the_same_bits(monkeypatch, kind):
    file = encoded(photo(2, (120, 90)), kind)
    for module in (photos, decoding):
        monkeypatch.setattr(module, "LARGE", 2000)
    monkeypatch.setattr(photos, "_REDUCED", 120 * 90 // 4 + 1)
    window = decoding.central(ImageReading(0.5))
    small = np.asarray(open_reduced(file))
    assert small.shape == (60, 45, 3)
    read = decoding.read_window(
        tf.constant(file.getvalue()), window, (30, 23), photo=True
    )
    np.testing.assert_array_equal(read, small[15:45, 11:34])
    # And where all of it is asked for, all comes.
    assert decoding.decode(file.getvalue()).shape == (120, 90, 3)


@pytest.mark.parametrize(
    "size", [(1, 1), (2, 2), (1, 20000), (20000, 1), (10, 3000), (2, 3)]
)
@pytest.mark.parametrize("crop", [1, 0.875, 0.4, 0.01])
def test_thin_photos_are_read(size, crop):
    file = encoded(photo(0).resize(size[::-1]))
    reading = ImageReading(crop)
    read = reading.read(file, (32, 32))
    assert read.shape == (32, 32, 3) and np.isfinite(read).all()
    window = decoding.central(reading)
    same = decoding.read_window(
        tf.constant(file.getvalue()), window, (32, 32), photo=True
    )
    np.testing.assert_allclose(same, read, atol=0.01)


def test_a_thin_photo_is_on_the_sheet(tmp_path):
    results = []
    for name, size in (("a.png", (3000, 1)), ("b.png", (1, 20000))):
        Image.new("RGB", size, "red").save(tmp_path / name)
        results.append(Classification(tmp_path / name, (("thing", 0.5),)))
    write_sheet(results, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet)
    red = (pixels == [255, 0, 0]).all(axis=-1)
    assert red.sum() == 2 * 180


def test_too_many_pixels_are_skipped(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    Image.new("L", (30, 20)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 299)
    with pytest.raises(Image.DecompressionBombError) as error:
        open_reduced(path)
    assert reason(path, error.value) == "too many pixels"
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300)
    assert open_reduced(path).size == (30, 20)


def test_files_are_found_by_suffix_and_hidden_ones_left_out(tmp_path):
    for name in (
        "b.jfif",
        "a/c.TIF",
        "a/d.tiff",
        "a.png",
        "a/._c.tif",
        ".cache/e.png",
        "__MACOSX/a.png",
        "a/.ipynb_checkpoints/a.png",
        "notes.txt",
        "skipped/f.png",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "g.png").symlink_to(tmp_path / "none.png")
    (tmp_path / "h.png").mkdir()
    (tmp_path / "i.png").symlink_to(tmp_path / "a.png")
    found = image_files(tmp_path, skip=[tmp_path / "skipped"])
    names = [path.relative_to(tmp_path).as_posix() for path in found]
    assert names == ["a/c.TIF", "a/d.tiff", "a.png", "b.jfif", "i.png"]


def test_reasons():
    skipped = Skipped()
    for number in range(5):
        skipped.add(f"{number}.jpg", "damaged")
        skipped.add("a.png", "empty")
    assert skipped.count == 6 and skipped.names[:2] == ["0.jpg", "a.png"]
    assert skipped.line(1200) == (
        "skipped 6 of 1,200 images: damaged: 0.jpg, 1.jpg, 2.jpg, ... (5); "
        "empty: a.png"
    )
    denied = PermissionError(13, "Permission denied")
    assert reason("a.png", denied) == "permission denied"
