"""What a phone has to fetch before somebody can read a goal."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import sync_playwright

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip

_SHIFT = """() => new Promise(done => {
  let sum = 0
  new PerformanceObserver(list => { for (const e of list.getEntries()) sum += e.value })
    .observe({type: 'layout-shift', buffered: true})
  setTimeout(() => done(sum), 500)
})"""


@dataclass(frozen=True)
class View:
    bytes: int
    requests: int
    shift: float
    #: 1 when heading and text can be read with scripts switched off.
    usable: int


def first_view(url: str) -> View:
    """Load `url` in a fresh browser at the size of a phone and count everything that crosses the wire."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        phone: dict[str, Any] = {"viewport": {"width": 375, "height": 667}, "device_scale_factor": 2}
        context = chromium.new_context(**phone)
        page = context.new_page()
        protocol = context.new_cdp_session(page)
        protocol.send("Network.enable")
        received: list[float] = []
        protocol.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
        page.goto(url, wait_until="networkidle")
        shift = float(page.evaluate(_SHIFT))
        context.close()
        plain = chromium.new_context(java_script_enabled=False, **phone).new_page()
        plain.goto(url)
        usable = int(plain.locator("h1").is_visible() and plain.locator("#contributions").is_visible())
        chromium.close()
    return View(int(sum(received)), len(received), shift, usable)
