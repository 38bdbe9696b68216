"""A headless Chromium, and a folder served to it.

It takes Chromium, its driver (Debian's packages chromium and chromium-driver),
selenium and LiteRT.js; where one is missing, its tests are skipped.
"""

import contextlib
import functools
import http.server
import os
import pathlib
import shutil
import threading

import pytest

from nasnet_tf.browser.litert_js import find_litert_js
from nasnet_tf.checks.errors import InputError

ROOT = pathlib.Path(__file__).parents[2]
SECONDS = 60
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A camera of moving colours, allowed without a question.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
WEBGPU = (
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--enable-unsafe-swiftshader",
)


def litert_js():
    """LiteRT.js in the folder of LITERT_JS, or of the checkout."""
    given = os.environ.get("LITERT_JS", ROOT / "node_modules")
    try:
        return find_litert_js(given)
    except InputError as error:
        pytest.skip(f"{error} (here: LITERT_JS=node_modules)")


@contextlib.contextmanager
def chromium(folder, *flags):
    """A `selenium` driver; `folder` is for what Chromium keeps."""
    webdriver = pytest.importorskip("selenium.webdriver")
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not browser or not driver:
        pytest.skip("no Chromium here, or no chromedriver beside it")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={folder}", *flags):
        options.add_argument(flag)
    service = webdriver.ChromeService(driver)
    opened = webdriver.Chrome(options=options, service=service)
    try:
        opened.set_script_timeout(SECONDS)
        yield opened
    finally:
        opened.quit()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def served(folder):
    """The URL of a folder."""
    handler = functools.partial(_Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class Page:
    """What a user does and sees; what is waited for comes, or it raises."""

    def __init__(self, driver, url):
        self.driver = driver
        driver.get(url)

    def element(self, selector):
        return self.driver.find_element("css selector", selector)

    def until(self, seen):
        from selenium.webdriver.support.wait import WebDriverWait

        return WebDriverWait(self.driver, SECONDS, 0.05).until(lambda _: seen())

    def ready(self):
        """Itself, once it takes pictures."""
        self.until(lambda: self.element("#file").is_enabled() or self.failure())
        assert not self.failure()
        return self

    def failure(self):
        return self.element("#failure").text

    def failed(self):
        """The line that says why, once there is one."""
        return self.until(self.failure)

    def answered(self, act):
        """The classes and shares that are shown after `act`."""
        self.driver.execute_script(
            "document.getElementById('network-time').textContent = ''"
        )
        act()
        self.until(lambda: self.element("#network-time").text or self.failure())
        assert not self.failure()
        assert self.element("#network-time").text.endswith(" ms")
        rows = self.driver.find_elements("css selector", "#answers li")
        return {
            row.find_element("css selector", ".name").text: float(
                row.find_element("css selector", ".bar").get_attribute(
                    "aria-valuenow"
                )
            )
            for row in rows
        }

    def choose(self, path):
        """What is answered to a file."""
        return self.answered(lambda: self.element("#file").send_keys(str(path)))

    def run(self, script, *arguments):
        """What `done` is called with, in a script in an async function."""
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "const given = Array.from(arguments).slice(0, -1);"
            f"(async () => {{ {script} }})()"
            ".catch((error) => done({error: String(error)}));",
            *arguments,
        )
        assert not (isinstance(found, dict) and "error" in found), found
        return found
