"""A headless Chromium, driven over a pipe with its DevTools protocol; needs no further package.

Source: https://chromedevtools.github.io/devtools-protocol/, and `--remote-debugging-pipe`, which
reads commands from descriptor 3 and writes answers to descriptor 4, each ended by a zero byte.
"""

import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import time

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe"),
)
SECONDS = 120  # for one answer or one wait, on a busy machine


@contextlib.contextmanager
def browser(folder, size=(1280, 900), options=()):
    """Yields a `Page` of a new browser.

    Args:
        folder: empty, for what the browser stores.
        size: of its window, px.
        options: more of Chromium's options.
    """
    to_child, to_us = os.pipe(), os.pipe()
    # Clear of 3 and 4, onto which the child puts them.
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (*to_child, *to_us)]
    for end in (*to_child, *to_us):
        os.close(end)
    commands, sending, receiving, answers = ends

    def place():
        os.dup2(commands, 3)
        os.dup2(answers, 4)

    command = [
        CHROMIUM,
        *_OPTIONS,
        *options,
        f"--user-data-dir={folder}",
        f"--window-size={size[0]},{size[1]}",
    ]
    process = subprocess.Popen(
        command, preexec_fn=place, pass_fds=(3, 4), stderr=subprocess.DEVNULL
    )
    os.close(commands)
    os.close(answers)
    try:
        yield Page(sending, receiving)
    finally:
        process.kill()
        process.wait()
        os.close(sending)
        os.close(receiving)


class Page:
    """A browser's one page; `addresses` are all that it asked for, or tried to."""

    def __init__(self, sending, receiving):
        self._sending, self._receiving = sending, receiving
        self._number, self._rest, self._session = 0, b"", None
        self.addresses = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "DOM"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        """Runs a command of the protocol, and returns its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        content = json.dumps(message).encode() + b"\0"
        while content:
            content = content[os.write(self._sending, content) :]
        while True:
            answer = self._next()
            if answer.get("method") == "Network.requestWillBeSent":
                self.addresses.append(answer["params"]["request"]["url"])
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def _next(self):
        while b"\0" not in self._rest:
            if not select.select([self._receiving], [], [], SECONDS)[0]:
                raise TimeoutError("The browser does not answer.")
            part = os.read(self._receiving, 1 << 16)
            if not part:
                raise EOFError("The browser has ended.")
            self._rest += part
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def open(self, address):
        self.call("Page.navigate", url=address)

    def evaluate(self, script):
        """Returns the value of a JavaScript expression, which JSON must be able to hold.

        A promise's is what it resolves to. The script runs as if the person had clicked.
        """
        as_clicked = {"awaitPromise": True, "userGesture": True}
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, **as_clicked)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def wait_for(self, script):
        """Waits until an expression's value is neither false nor empty, and returns it."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(RuntimeError):  # parts of the page may not be there yet
                if value := self.evaluate(script):
                    return value
            time.sleep(0.1)
        shown = self.evaluate("document.body.innerText")
        raise TimeoutError(f"Waited for {script}. The page shows: {shown}")

    def upload(self, selector, file):
        """Puts a file into an `<input type=file>`."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", files=[str(file)], nodeId=node)

    def allow_clipboard(self, origin):
        """Lets the pages of an origin read and write the clipboard, as if they were in front."""
        permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
        self.call("Browser.grantPermissions", permissions=permissions, origin=origin)
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def press_ctrl_v(self):
        key = {"key": "v", "code": "KeyV", "modifiers": 2, "windowsVirtualKeyCode": 86}
        self.call("Input.dispatchKeyEvent", type="rawKeyDown", commands=["paste"], **key)
        self.call("Input.dispatchKeyEvent", type="keyUp", **key)

    def hover(self, x, y):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def resize(self, width, height):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)
