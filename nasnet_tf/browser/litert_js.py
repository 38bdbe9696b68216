"""LiteRT.js for a page: copied from where npm put it, or named by a URL."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import shutil

from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import InputError

PACKAGE = "@litertjs/core"
# In the page's folder.
FOLDER = "litert_js"
INDEX = "index.html"
# The page has it so, and a browser finds nothing by it.
_NO_IMPORTS = '{"imports": {}}'
_HOW = (
    f"npm i {PACKAGE} makes a folder node_modules, which is to be given: "
    "--litert_js=node_modules"
)
# What a URL serves is not looked at: what 2.5 needs.
_SERVED = {
    PACKAGE: "dist/index.js",
    "@litertjs/wasm-utils": "dist/index.js",
}


@dataclasses.dataclass(frozen=True)
class LitertJs:
    """LiteRT.js and the packages that it imports.

    Args:
        files: of each package the one that is imported, below its folder, by
            the package's name.
        modules: the folder that holds the packages; None where a server does.
        url: of that folder, from the page.
    """

    files: dict[str, str]
    modules: pathlib.Path | None
    url: str

    @property
    def imports(self) -> dict[str, str]:
        """The page's import map: a URL by a package's name."""
        return {
            name: f"{self.url}/{name}/{file}"
            for name, file in self.files.items()
        }


def find_litert_js(given) -> LitertJs:
    """LiteRT.js, by what the user gave for it.

    Args:
        given: the folder `node_modules`; or a URL that serves such a folder,
            such as `https://example.org/npm`.

    Raises:
        InputError: nothing given, or LiteRT.js is not there or not whole.
    """
    if not given:
        raise InputError(
            "litert_js: missing; the page runs the network by LiteRT.js: "
            f"{_HOW}, or give a URL that serves it, such as "
            "--litert_js=https://example.org/npm"
        )
    text = str(given)
    if text.startswith(("https://", "http://")):
        return LitertJs(_SERVED, None, text.rstrip("/"))
    modules = expanded_path("litert_js", given)
    if not modules.is_dir():
        raise InputError(f"litert_js: {modules} is not a folder; {_HOW}")
    files = {}
    waiting = [PACKAGE]
    while waiting:
        name = waiting.pop()
        if name not in files:
            files[name], needed = _read_package(modules, name)
            waiting += needed
    if not list((modules / PACKAGE / "wasm").glob("*.wasm")):
        raise InputError(
            f"litert_js: {modules / PACKAGE} has no WebAssembly in its folder "
            f"wasm; {_HOW}"
        )
    return LitertJs(files, modules, f"./{FOLDER}")


def _read_package(modules, name):
    """The file that is imported, and the packages that this needs."""
    path = modules / name / "package.json"
    try:
        package = json.loads(path.read_text(encoding="utf-8"))
        file = pathlib.PurePosixPath(package["main"]).as_posix()
        needed = list(package.get("dependencies", {}))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        file, needed = None, []
    if file is None or not (modules / name / file).is_file():
        raise InputError(
            f"litert_js: {modules} holds no {name} that can be read; {_HOW}"
        )
    return file, needed


def add_litert_js(folder: pathlib.Path, litert_js: LitertJs) -> None:
    """Copies LiteRT.js into a page's folder, and tells the page where it is.

    Args:
        folder: of `nasnet_tf.browser.page.write_page`.
        litert_js: of `find_litert_js`.

    Raises:
        OSError: it cannot be copied.
    """
    if litert_js.modules is not None:
        for name in litert_js.files:
            shutil.copytree(
                litert_js.modules / name,
                folder / FOLDER / name,
                ignore=shutil.ignore_patterns(
                    "node_modules", "*.map", "*.d.ts", "*metafile*.json"
                ),
            )
    index = folder / INDEX
    # A URL may hold what would end the script that it stands in.
    imports = json.dumps({"imports": litert_js.imports}, indent=2)
    imports = imports.replace("<", "\\u003c")
    page = index.read_text(encoding="utf-8")
    index.write_text(page.replace(_NO_IMPORTS, imports, 1), encoding="utf-8")
