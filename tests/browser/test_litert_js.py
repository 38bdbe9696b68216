"""LiteRT.js is found, copied and told of; or a line says what is missing."""

import json
import re
import shutil

import pytest

from nasnet_tf.browser.litert_js import add_litert_js, find_litert_js
from nasnet_tf.browser.page import SITE
from nasnet_tf.checks.errors import InputError
from tests.browser.node_modules import node_modules
from tests.conftest import line_of

IMPORT_MAP = re.compile(r'<script type="importmap">(.*?)</script>', re.S)


@pytest.fixture
def modules(tmp_path):
    return node_modules(tmp_path / "node_modules")


def page(folder):
    shutil.copytree(SITE, folder)
    return folder


def imports(folder):
    (text,) = IMPORT_MAP.findall((folder / "index.html").read_text())
    return json.loads(text)["imports"]


def test_it_is_copied_with_what_it_imports(modules, tmp_path):
    folder = page(tmp_path / "page")
    assert imports(folder) == {}
    add_litert_js(folder, find_litert_js(modules))
    found = imports(folder)
    assert set(found) == {"@litertjs/core", "@litertjs/wasm-utils"}
    for name, url in found.items():
        assert url.startswith("./")
        assert (folder / url).read_text() == f"// {name} index.js"
    copied = {p.name for p in (folder / "litert_js").rglob("*") if p.is_file()}
    assert copied == {"package.json", "index.js", "litert.js", "litert.wasm"}
    # The page looks for it there.
    core = folder / found["@litertjs/core"]
    assert (core.parent / "../wasm/litert.wasm").is_file()


def test_a_url_is_told_to_the_page(tmp_path):
    folder = page(tmp_path / "page")
    url = 'https://a.example/</script>"/'
    add_litert_js(folder, find_litert_js(url))
    assert imports(folder) == {
        name: f'https://a.example/</script>"/{name}/dist/index.js'
        for name in ("@litertjs/core", "@litertjs/wasm-utils")
    }
    assert not (folder / "litert_js").exists()


def test_nothing_given():
    with pytest.raises(InputError) as error:
        find_litert_js(None)
    line = line_of(error)
    assert line.startswith("litert_js: missing; the page runs the network by")
    assert "npm i @litertjs/core" in line


@pytest.mark.parametrize(
    "missing, line",
    [
        ("", "litert_js: {} is not a folder; npm i @litertjs/core makes"),
        ("@litertjs/core", "litert_js: {} holds no @litertjs/core that"),
        (
            "@litertjs/core/dist/index.js",
            "litert_js: {} holds no @litertjs/core that can be read; npm i",
        ),
        (
            "@litertjs/core/wasm/litert.wasm",
            "litert_js: {}/@litertjs/core has no WebAssembly in its folder",
        ),
        (
            "@litertjs/wasm-utils/package.json",
            "litert_js: {} holds no @litertjs/wasm-utils that can be read",
        ),
    ],
)
def test_what_is_not_there(modules, missing, line):
    path = modules / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(InputError) as error:
        find_litert_js(modules)
    assert line_of(error).startswith(line.format(modules))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"main": 3}', "\xff"])
def test_a_package_that_is_damaged(modules, text):
    path = modules / "@litertjs" / "core" / "package.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError) as error:
        find_litert_js(modules)
    assert "holds no @litertjs/core that can be read" in line_of(error)
