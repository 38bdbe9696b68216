import os
import subprocess
import sys
import types

import keras
import numpy as np
import pytest
from PIL import Image

import nasnet_tf.classify
from nasnet_tf.checks.errors import InputError
from nasnet_tf.images.image_reading import PUBLISHED, WHOLE, ImageReading
from nasnet_tf.images.photos import find_photos, open_photo
from nasnet_tf.pictures.contact_sheet import write_sheet
from nasnet_tf.zoo import classification
from nasnet_tf.zoo.classification import class_names, classify, load_network
from tests.commands import run_command
from tests.conftest import randomize, tiny_network

NAMES = [f"name{n}" for n in range(10)]


def _network(**arguments):
    """Random weights, and logits small enough that no class has it all."""
    model = randomize(tiny_network(**arguments))
    logits = model.get_layer("logits")
    logits.kernel.assign(logits.kernel * 0.02)
    return model


@pytest.fixture(scope="module")
def model():
    return _network(class_names=NAMES, preprocessing="whitening")


@pytest.fixture
def photos(tmp_path):
    """Five photos of noise, two of them in a folder of the folder."""
    generator = np.random.default_rng(0)
    (tmp_path / "photos" / "more").mkdir(parents=True)
    places = ["b.png", "a.jpg", "C.BMP", "more/d.webp", "more/e.gif"]
    for n, name in enumerate(places):
        pixels = generator.integers(0, 256, (20 + n, 50, 3), "uint8")
        Image.fromarray(pixels).save(tmp_path / "photos" / name)
    (tmp_path / "photos" / "notes.txt").write_text("not a photo")
    return tmp_path / "photos"


def _expected(model, photos):
    images = np.stack([WHOLE.read(p, (32, 32)) for p in photos])
    deviations = images.std((1, 2, 3), keepdims=True)
    images = (images - images.mean((1, 2, 3), keepdims=True)) / deviations
    return np.asarray(model.predict(images, verbose=0))


def test_folders_are_searched(photos):
    found = [str(p.relative_to(photos)) for p in find_photos([photos])]
    assert found == ["C.BMP", "a.jpg", "b.png", "more/d.webp", "more/e.gif"]
    twice = find_photos([photos / "b.png", photos, photos / "b.png"])
    assert len(twice) == 5 and twice[0].name == "b.png"


def test_best_classes_of_every_photo(model, photos, capsys):
    results = classify(model, [photos], top=3, batch_size=2)
    probabilities = _expected(model, [result.path for result in results])
    assert len(results) == 5
    for result, row in zip(results, probabilities, strict=True):
        best = np.argsort(-row)[:3]
        assert [name for name, _ in result.classes] == [NAMES[n] for n in best]
        assert 0.01 < row[best[0]] < 0.99
        values = [probability for _, probability in result.classes]
        np.testing.assert_allclose(values, row[best], atol=1e-5)
    assert capsys.readouterr().err.endswith("\r5 of 5 photos\n")


def test_one_path_will_do(model, photos):
    expected = classify(model, [photos])
    assert len(expected) == 5
    assert classify(model, photos) == classify(model, str(photos)) == expected


def test_top_stops_at_the_number_of_classes(model, photos, capsys):
    (result,) = classify(model, [photos / "a.jpg"], top=99)
    assert sorted(name for name, _ in result.classes) == sorted(NAMES)
    total = sum(probability for _, probability in result.classes)
    assert total == pytest.approx(1, abs=1e-5)
    assert capsys.readouterr().err == ""


def test_logits_get_a_softmax(model, photos):
    logits = tiny_network(
        class_names=NAMES, preprocessing="whitening", classifier_activation=None
    )
    logits.set_weights(model.get_weights())
    for one, other in zip(
        classify(logits, [photos]), classify(model, [photos]), strict=True
    ):
        assert [n for n, _ in one.classes] == [n for n, _ in other.classes]
        np.testing.assert_allclose(
            [p for _, p in one.classes],
            [p for _, p in other.classes],
            atol=1e-5,
        )


def test_auxiliary_head_is_left_out(photos):
    model = _network(auxiliary_head=True, input_shape=(64, 64, 3))
    (result,) = classify(model, [photos / "a.jpg"], top=10)
    image = WHOLE.read(photos / "a.jpg", (64, 64)) / 127.5 - 1
    outputs = model(image[np.newaxis])
    row = np.asarray(outputs["predictions"])[0]
    assert result.classes[0][0] == f"class {row.argmax()}"
    assert result.classes[0][1] == pytest.approx(row.max(), abs=1e-5)


def test_photo_is_turned_cropped_and_scaled(tmp_path):
    # Left half red, right half blue; EXIF orientation 6 turns it clockwise.
    pixels = np.zeros((80, 160, 3), "uint8")
    pixels[:, :80, 0] = pixels[:, 80:, 2] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    turned = WHOLE.read(tmp_path / "turned.png", (40, 40))
    assert turned.shape == (40, 40, 3) and turned.dtype == "float32"
    np.testing.assert_array_equal(turned[5, 20], [255, 0, 0])
    np.testing.assert_array_equal(turned[35, 20], [0, 0, 255])
    # A border of a sixteenth is exactly what the crop takes away.
    pixels = np.full((160, 80, 3), 7, "uint8")
    pixels[10:150, 5:75] = 200
    Image.fromarray(pixels).save(tmp_path / "border.png")
    assert (PUBLISHED.read(tmp_path / "border.png", (32, 32)) == 200).all()
    whole = WHOLE.read(tmp_path / "border.png", (160, 80))
    np.testing.assert_array_equal(whole, pixels)
    grey = PUBLISHED.read(tmp_path / "border.png", (32, 32), channels=1)
    assert grey.shape == (32, 32, 1) and (grey == 200).all()


def test_photos_of_16_bits_are_scaled(tmp_path):
    deep = np.full((8, 8), 128 * 256 + 17, "uint16")
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert open_photo(tmp_path / "deep.png").getpixel((3, 3)) == (128,) * 3


def test_size_and_crop_follow_the_model(model, photos, monkeypatch):
    asked, read = [], ImageReading.read

    def spied_read(self, path, size, channels):
        asked.append((size, channels, self.crop))
        return read(self, path, size, channels)

    monkeypatch.setattr(ImageReading, "read", spied_read)
    classify(model, [photos / "a.jpg"])
    for shape in ((32, 32, 1), (None, None, 3), (96, 97, 3)):
        network = tiny_network(input_shape=shape)
        classify(network, [photos / "a.jpg"])
    # What a network says goes before what networks of its size usually read.
    network.image_reading = WHOLE
    classify(network, [photos / "a.jpg"])
    classify(network, [photos / "a.jpg"], crop=0.5)
    assert asked == [
        ((32, 32), 3, 1.0),
        ((32, 32), 1, 1.0),
        ((224, 224), 3, 0.875),
        ((96, 97), 3, 0.875),
        ((96, 97), 3, 1.0),
        ((96, 97), 3, 0.5),
    ]


def test_imagenet_names_or_numbers(monkeypatch, capsys):
    model = tiny_network(classes=1000)

    def decode(probabilities, top):
        print("Downloading data from a server")
        order = np.argsort(-probabilities[0])[:top]
        return [[(f"n{n}", f"thing {n}", 0.0) for n in order]]

    monkeypatch.setattr(classification, "decode_predictions", decode)
    assert class_names(model, 1000) == [f"thing {n}" for n in range(1000)]
    assert capsys.readouterr() == ("", "Downloading data from a server\n")

    def fail(*_):
        raise InputError("class names: cannot be downloaded")

    monkeypatch.setattr(classification, "decode_predictions", fail)
    assert class_names(model, 1000)[17] == "class 17"
    assert capsys.readouterr().err == (
        "class numbers only: class names: cannot be downloaded\n"
    )


def test_keras_file_is_loaded_whole(model, photos, tmp_path):
    model.save(tmp_path / "flowers.keras")
    loaded = load_network(weights=tmp_path / "flowers.keras")
    assert loaded.class_names == NAMES
    assert classify(loaded, [photos]) == classify(model, [photos])


def test_contact_sheet(model, photos, tmp_path):
    results = classify(model, [photos])
    out = tmp_path / "out"
    out.mkdir()
    write_sheet(results, out / "sheet.png")
    with Image.open(out / "sheet.png") as sheet:
        assert sheet.size == (3 * 192 + 12, 2 * 228 + 12)
        pixels = np.asarray(sheet.convert("RGB"), int)
    # Five photos over two lines of text each, and an empty sixth place.
    for number in range(6):
        top, left = 12 + 228 * (number // 3), 12 + 192 * (number % 3)
        place = pixels[top : top + 228, left : left + 192]
        dark = [(place[:180] < 128).any(), (place[180:216] < 128).any()]
        assert dark == [number < 5] * 2
    assert list(out.iterdir()) == [out / "sheet.png"]


def test_bad_photos_are_named_in_one_line(model, photos, tmp_path):
    with pytest.raises(InputError, match=r"^photos: none given; name files"):
        find_photos([])
    with pytest.raises(InputError, match=r"x.jpg, .*y: no such file or folder"):
        find_photos([tmp_path / "x.jpg", photos, tmp_path / "y"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"the folder .*empty has none"):
        find_photos([tmp_path / "empty"])
    (photos / "text.jpg").write_text("not a photo")
    (photos / "more" / "void.png").write_bytes(b"")
    assert len(find_photos([photos])) == 7
    with pytest.raises(InputError) as error:
        find_photos([photos], strict=True)
    bad = f"{photos / 'more' / 'void.png'}, {photos / 'text.jpg'}"
    assert str(error.value) == (
        f"photos: {bad} cannot be read as images; leave out or replace"
    )
    (photos / "text.jpg").unlink()
    whole = (photos / "a.jpg").read_bytes()
    cut = photos / "cut.jpg"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"cut.jpg cannot be read as an image"):
        classify(model, [photos / "a.jpg", cut])
    with pytest.raises(InputError) as error:
        classify(model, photos, strict=True)
    bad = f"{cut}, {photos / 'more' / 'void.png'}"
    assert str(error.value) == (
        f"photos: {bad} cannot be read as images; leave out or replace"
    )


def test_files_of_folders_that_cannot_be_read_are_skipped(
    model, photos, tmp_path, capsys
):
    expected = classify(model, photos)
    (photos / "text.jpg").write_text("not a photo")
    (photos / "void.png").write_bytes(b"")
    whole = (photos / "a.jpg").read_bytes()
    (photos / "z.jfif").write_bytes(whole[: len(whole) // 2])
    (photos / "__MACOSX").mkdir()
    for name in ("._a.jpg", ".a.png", "__MACOSX/a.jpg"):
        (photos / name).write_text("hidden")
    capsys.readouterr()
    assert classify(model, photos, batch_size=5) == expected
    assert capsys.readouterr().err.splitlines()[-1:] == [
        f"skipped 3 of 8 images: not an image: {photos / 'text.jpg'}; empty: "
        f"{photos / 'void.png'}; damaged: {photos / 'z.jfif'}"
    ]
    bad = tmp_path / "bad"
    bad.mkdir()
    for number in range(5):
        (bad / f"{number}.tif").write_bytes(b"")
    with pytest.raises(InputError) as error:
        classify(model, bad)
    first = ", ".join(str(bad / f"{number}.tif") for number in range(3))
    assert str(error.value) == (
        "photos: none of the 5 files can be read as images (empty: "
        f"{first}, ... (5)); replace them"
    )


def test_bad_arguments_are_one_line(model, photos, tmp_path):
    for top in (0, -1, 2.5):
        with pytest.raises(InputError, match=f"^top: {top} is not a positive"):
            classify(model, [photos], top=top)
    with pytest.raises(InputError, match=r"has no classifier"):
        classify(tiny_network(include_top=False), [photos])
    with pytest.raises(
        InputError, match=r"^preset: 'nasnet_a_mobil'.* did you"
    ):
        load_network("nasnet_a_mobil")
    with pytest.raises(InputError, match=r"none.keras does not exist"):
        load_network(weights=tmp_path / "none.keras")
    with pytest.raises(InputError, match=r"none.h5 does not exist"):
        load_network("nasnet_c_cifar_4_640", weights=tmp_path / "none.h5")
    (tmp_path / "text.keras").write_text("text")
    with pytest.raises(InputError, match=r"text.keras cannot be loaded"):
        load_network(weights=tmp_path / "text.keras")
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    other.save(tmp_path / "other.keras")
    with pytest.raises(InputError, match=r"other.keras is a Sequential, not a"):
        load_network(weights=tmp_path / "other.keras")
    images = keras.Input((32, 32, 3))
    keras.Model(images, model(images)).save(tmp_path / "outer.keras")
    with pytest.raises(InputError, match=r"nested .*get_layer\('nasnet'\)"):
        load_network(weights=tmp_path / "outer.keras")
    results = classify(model, [photos / "a.jpg"])
    with pytest.raises(InputError, match=r"sheet.jpg does not end in .png"):
        write_sheet(results, tmp_path / "sheet.jpg")
    with pytest.raises(InputError, match=r"none is not a folder"):
        write_sheet(results, tmp_path / "none" / "sheet.png")


def test_a_sheet_that_cannot_be_written_fails_first(monkeypatch, capsys):
    def never(*_):
        raise AssertionError("work was done")

    monkeypatch.setattr(nasnet_tf.classify, "find_photos", never)
    monkeypatch.setattr(classification, "load_network", never)
    values = types.SimpleNamespace(
        out="/proc/s.png", preset=None, model="imagenet", top=5
    )
    monkeypatch.setattr(nasnet_tf.classify.flags, "FLAGS", values, raising=True)
    with pytest.raises(InputError, match=r"^out: /proc"):
        nasnet_tf.classify.main(["photos"])
    assert capsys.readouterr().out == ""


def _run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "nasnet_tf.classify", *map(str, arguments)],
        env={k: v for k, v in os.environ.items() if not k.startswith("TF_")},
        capture_output=True,
        text=True,
    )


def test_command(model, photos, tmp_path):
    """On the folder that a training job leaves, in a process of its own."""
    (tmp_path / "job").mkdir()
    model.save(tmp_path / "job" / "model.keras")
    out = tmp_path / "sheet.png"
    run = _run(photos, f"--model={tmp_path / 'job'}", "--top=2", f"--out={out}")
    assert run.returncode == 0, run.stderr
    # No line of a library; TensorFlow 2.21 has some for every level.
    assert run.stderr.count("\n") == 1
    assert run.stderr.startswith("photos are read as ")
    lines = run.stdout.splitlines()
    assert len(lines) == 5 * 3 + 1 and lines[-1] == f"wrote {out}"
    result = classify(model, [photos], top=2)[0]
    assert lines[0] == str(result.path)
    name, probability = result.classes[0]
    assert lines[1] == f"  {probability:7.2%}  {name}"
    assert out.exists()
    # By the flag's earlier name.
    weights = f"--weights={tmp_path / 'job' / 'model.keras'}"
    again = run_command("nasnet_tf.classify", photos, weights, "--top=2")
    assert again.stdout.splitlines() == lines[:-1]


def test_command_with_bad_input_exits_with_2(tmp_path):
    run = run_command("nasnet_tf.classify", tmp_path, "--model=none.keras")
    assert run.returncode == 2 and run.stdout == ""
    assert run.stderr.splitlines()[-1].startswith(
        f"error: photos: the folder {tmp_path} has none"
    )
    assert "Traceback" not in run.stderr
