"""The page in headless Chromium: it answers as Python does, or says why not."""

import base64
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from export.formats import write_format
from export.graph import read_model
from export.runtime.runners import open_runner
from export.sources.images import Images
from export.sources.original import read_original
from nasnet_tf.browser.litert_js import add_litert_js
from nasnet_tf.data import digits
from nasnet_tf.images.image_reading import ImageReading
from nasnet_tf.zoo.applications import preprocess_input
from tests.browser.chromium import WEBGPU, Page, chromium, litert_js, served
from tests.conftest import randomize, tiny_network
from tests.training.jobs import one_block

pytestmark = pytest.mark.browser

NAMES = ["<b>bold</b>", "'a' \"quoted\" & more", "Größe 猫"]
CROP = 0.75
# The kernels of WebAssembly are others: a step of 8 bits may round elsewhere.
MOST = {"none": 1e-4, "int8": 0.02}


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    litert_js()
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A large one that lies on its side, a grey one, a digit, a tiny one."""
    folder = tmp_path_factory.mktemp("photos")
    noise = np.random.default_rng(0).integers(0, 256, (9, 12, 3), "uint8")
    image = Image.fromarray(noise).resize((700, 500), Image.Resampling.BICUBIC)
    exif = image.getexif()
    exif[274] = 6
    image.save(folder / "turned.jpg", exif=exif)
    image.convert("L").save(folder / "grey.png")
    held_out = digits.load().held_out_images.astype("uint8")
    Image.fromarray(held_out[3]).save(folder / "digit.png")
    image.resize((5, 3)).save(folder / "tiny.png")
    return sorted(folder.iterdir())


def written(folder, model, quantize="none", input_type="float32", **more):
    """A page, and the `Original` that it shows."""
    original = read_original(model, **more)
    calibration = None
    if quantize == "int8":
        pixels = digits.load().train_images[:100].astype("uint8")
        calibration = Images("digits", pixels)
    graph = read_model(original.model, original.size)
    write_format(
        original, graph, folder, "web", quantize, input_type, calibration
    )
    add_litert_js(folder, litert_js())
    return original


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """The folder of a page whose classes have names."""
    folder = tmp_path_factory.mktemp("named") / "web"
    model = randomize(tiny_network(one_block(), classes=3, class_names=NAMES))
    written(folder, model)
    return folder


@pytest.fixture
def copied(named, tmp_path):
    return shutil.copytree(named, tmp_path / "copied")


def expected(folder, original, photo, input_type="float32"):
    """Python's answer, of its reading and its LiteRT runner."""
    pixels = original.reading.read(photo, original.size, original.channels)
    if input_type == "uint8":
        inputs = np.rint(pixels).astype("uint8")
    else:
        inputs = preprocess_input(pixels, None, original.preprocessing)
    return open_runner(folder).run(np.asarray(inputs)[None])[0]


@pytest.mark.parametrize(
    "quantize, input_type, preprocessing",
    [
        ("none", "float32", "scale"),
        ("none", "float32", "whitening"),
        ("int8", "uint8", "scale"),
        ("int8", "float32", "scale"),
    ],
)
def test_it_answers_as_python_does(
    driver, trained, photos, tmp_path, quantize, input_type, preprocessing
):
    folder = tmp_path / "web"
    original = written(
        folder,
        trained,
        quantize,
        input_type,
        preprocessing=preprocessing,
        crop=CROP,
    )
    differences, answers = [], []
    with served(folder) as url:
        page = Page(driver, url).ready()
        for photo in photos:
            shown = page.choose(photo)
            answer = expected(folder, original, photo, input_type)
            best = [f"class {n}" for n in answer.argsort()[::-1][:5]]
            assert len(shown) == 5
            if quantize == "none":
                assert list(shown) == best
            differences += [
                shown[name] - answer[int(name.removeprefix("class "))]
                for name in shown
            ]
            answers.append(answer)
    assert np.abs(differences).max() < MOST[quantize]
    # The photos are told apart, so that this says something.
    assert np.ptp(answers, axis=0).max() > 0.5


PIXELS = """
const {readPixels} = await import("./pixels.js");
const [data, image] = given;
const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
const picture = await createImageBitmap(
  new Blob([bytes]), {colorSpaceConversion: "none"});
const {pixels} = readPixels(picture, picture.width, picture.height, image);
done(Array.from(pixels));
"""


def test_it_reads_the_pixels_that_python_reads(driver, named, photos):
    with served(named) as url:
        page = Page(driver, url)
        for photo in photos:
            data = base64.b64encode(photo.read_bytes()).decode()
            for crop, size, channels in (
                (0.875, (64, 96), 3),
                (1.0, (40, 40), 1),
            ):
                reading = ImageReading(crop)
                height, width = size
                image = reading.to_dict() | {
                    "height": height,
                    "width": width,
                    "channels": channels,
                }
                pixels = np.reshape(
                    page.run(PIXELS, data, image), (*size, channels)
                )
                wanted = reading.read(photo, size, channels)
                np.testing.assert_allclose(pixels, wanted, atol=1e-4)


def test_labels_are_text_and_nothing_is_fetched_elsewhere(
    driver, named, photos
):
    with served(named) as url:
        page = Page(driver, url).ready()
        assert set(page.choose(photos[0])) == set(NAMES)
        assert not driver.find_elements("css selector", "#answers b")
        fetched = driver.execute_script(
            "return performance.getEntriesByType('resource')"
            ".map((entry) => entry.name)"
        )
        assert f"{url}model.tflite" in fetched
        # The icon is empty, and in the page.
        assert all(name.startswith((url, "data:")) for name in fetched)


DROP = """
const [name, type] = given;
const bytes = await (await fetch(name)).arrayBuffer();
const data = new DataTransfer();
data.items.add(new File([bytes], name, {type}));
document.getElementById("drop").dispatchEvent(
  new DragEvent("drop", {dataTransfer: data, bubbles: true}));
done();
"""


def test_a_picture_is_dropped(driver, copied, photos):
    shutil.copy(photos[0], copied / "photo.png")
    with served(copied) as url:
        page = Page(driver, url).ready()
        chosen = page.choose(photos[0])
        dropped = page.answered(
            lambda: page.run(DROP, "photo.png", "image/png")
        )
        assert dropped == chosen
        (copied / "text.jpg").write_text("no picture")
        page.run(DROP, "text.jpg", "image/jpeg")
        assert page.failed().startswith("text.jpg cannot be read as a picture")
        assert page.choose(photos[0]) == chosen


def test_the_camera_is_watched_until_it_is_stopped(driver, named):
    with served(named) as url:
        page = Page(driver, url).ready()
        camera = page.element("#camera")
        assert page.answered(camera.click)
        page.answered(lambda: None)  # And another picture.
        assert camera.text == "Stop the camera"
        camera.click()
        page.until(lambda: camera.text == "Camera")


@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_its_window(driver, named, photos, width):
    emulated = {"width": width, "height": 844, "mobile": width < 500}
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {**emulated, "deviceScaleFactor": 1},
    )
    try:
        with served(named) as url:
            page = Page(driver, url).ready()
            page.choose(photos[0])
            assert driver.execute_script("return innerWidth") == width
            assert (
                driver.execute_script(
                    "return document.documentElement.scrollWidth"
                )
                == width
            )
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_webgpu_answers_as_webassembly_does(named, photos, tmp_path):
    litert_js()
    with chromium(tmp_path, *WEBGPU) as driver, served(named) as url:
        page = Page(driver, url).ready()
        by_wasm = page.choose(photos[0])
        choice = page.element("[value=webgpu]")
        if not choice.is_enabled():
            pytest.skip("this Chromium has no software adapter for WebGPU")
        by_webgpu = page.answered(choice.click)
        assert choice.is_selected()
        assert by_webgpu.keys() == by_wasm.keys()
        for name, share in by_wasm.items():
            assert abs(by_webgpu[name] - share) < 1e-4


def test_it_says_that_it_was_opened_as_a_file(driver, named):
    page = Page(driver, (named / "index.html").as_uri())
    assert "python -m http.server" in page.failed()


@pytest.mark.parametrize(
    "missing, line",
    [
        ("model.tflite", "model.tflite cannot be loaded (404 File not found)"),
        ("settings.json", "settings.json cannot be loaded (404"),
        ("labels.txt", "labels.txt cannot be loaded (404"),
        ("litert_js/@litertjs/core/dist", "LiteRT.js cannot be loaded ("),
        ("litert_js/@litertjs/core/wasm", "LiteRT.js's WebAssembly cannot be"),
        ("classes.js", "A file of this page is missing"),
    ],
)
def test_it_says_what_is_missing(driver, copied, missing, line):
    path = copied / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with served(copied) as url:
        page = Page(driver, url)
        assert page.failed().startswith(line)
        assert not page.element("#file").is_enabled()


@pytest.mark.parametrize(
    "section, key, value, line",
    [
        ("image", "width", 48, "The network reads float32 (1, 32, 32, 3), but"),
        ("image", "resize", "cubic", "This page cannot resize by cubic"),
        (None, "input", "uint8", "The network reads float32 (1, 32, 32, 3), "),
        (None, "task", "weather", "This page cannot show what a network for"),
    ],
)
def test_it_says_what_its_settings_do_not_fit(
    driver, copied, photos, section, key, value, line
):
    path = copied / "settings.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    (settings[section] if section else settings)[key] = value
    path.write_text(json.dumps(settings))
    with served(copied) as url:
        page = Page(driver, url)
        if key == "resize":
            page.ready().element("#file").send_keys(str(photos[0]))
        assert page.failed().startswith(line)


def test_it_says_that_labels_are_too_few(driver, copied, photos):
    (copied / "labels.txt").write_text("one\ntwo\n")
    with served(copied) as url:
        page = Page(driver, url).ready()
        page.element("#file").send_keys(str(photos[0]))
        assert page.failed().startswith(
            "The network knows 3 classes, but labels.txt has 2 lines"
        )
        assert not page.element("#answers").text
