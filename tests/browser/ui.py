"""Prefect's UI as a person uses it: the deployments, their forms, runs and pages."""

import time
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Locator, Page, Response, Route, expect

Colour = tuple[int, int, int]

PATIENCE_S = 120.0
LEAST_SHARE = 0.0005

COLOURS = 256
"""Of a picture that is kept: it is of flat areas, and shall be small."""

GREEN = (33, 157, 75)
RED = (222, 5, 41)
"""What a run's graph has a step in that went well, or failed."""

FOLLOW = """
new MutationObserver((_, observer) => {
  const link = [...document.querySelectorAll("a")]
    .find((one) => one.textContent === "View run");
  if (link) { observer.disconnect(); link.click(); }
}).observe(document.body, { childList: true, subtree: true })
"""


class Ui:
    """One page of a browser, for which there is no other machine than the server.

    Attributes:
        taken: file names of the pictures.
        refused: the hosts that something was wanted of.
    """

    def __init__(self, page: Page, base: str, pictures: Path) -> None:
        self.page = page
        self._base = base
        self._pictures = pictures
        self.taken: list[str] = []
        self.refused: set[str | None] = set()
        page.context.route(lambda url: not url.startswith(base), self._refuse)

    def log_in(self, login: str) -> None:
        self.page.goto(f"{self._base}/")
        self.page.get_by_placeholder("admin:pass").fill(login)
        self.page.get_by_role("button", name="Login").click()
        self.page.wait_for_url("**/dashboard**")

    def open_form(self, flow: str) -> Locator:
        """Deployments, the flow's deployment, Run, Custom run."""
        self._go_to("Deployments")
        row = self.page.get_by_role("row").filter(has_text=flow)
        row.get_by_role("link", name="production").click()
        self.page.get_by_role("button", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Custom run").click()
        expect(self.page.get_by_role("heading", name="Parameters")).to_be_visible()
        return self.page.locator("main")

    def choose(self, listed: Locator, option: str) -> None:
        """Choose from a list."""
        listed.click()
        self.page.get_by_role("option", name=option, exact=True).click()

    def follow_notice(self) -> None:
        """Have "View run" clicked as soon as it is there: after 4 s it is gone."""
        self.page.evaluate(FOLLOW)

    def submit(self) -> str:
        """Start the run that the form describes; its id."""
        button = self.page.get_by_role("button", name="Submit")
        return str(self.send(button, "create_flow_run").json()["id"])

    def send(self, button: Locator, path: str) -> Response:
        """Click what sends a form; again while SQLite's database is locked."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with self.page.expect_response(f"**/{path}") as sent:
                button.click()
            if sent.value.ok:
                return sent.value
            is_locked = sent.value.status == 503 and time.monotonic() < deadline
            assert is_locked, sent.value.text()

    def open_run(self, run: str) -> None:
        """By its address: the notice with a link to it goes away by itself."""
        self.page.goto(f"{self._base}/v2/runs/flow-run/{run}")

    def wait_for_state(self, name: str) -> None:
        """The page of a run shows each state by itself."""
        badge = self.page.get_by_text(name, exact=True).first
        expect(badge).to_be_visible(timeout=180_000)

    def tab(self, name: str) -> Locator:
        self.page.get_by_role("tab", name=name).click()
        return self.page.get_by_role("tabpanel", name=name)

    def open_artifact(self, key: str) -> None:
        """From a run's page, by way of the artifact's history."""
        self.tab("Artifacts").get_by_role("link", name=key).click()
        self.page.wait_for_url("**/artifacts/key/**")
        self.page.locator("a[href*='/artifacts/artifact/']").first.click()

    def open_dialog(self, name: str) -> Locator:
        self.page.get_by_role("button", name="Open menu").first.click()
        self.page.get_by_role("menuitem", name=name).click()
        return self.page.get_by_role("dialog")

    def wait_until_graph_has(self, colour: Colour) -> None:
        """A run's graph is drawn on a canvas: what is on it can only be seen."""
        deadline = time.monotonic() + PATIENCE_S
        while self._share_of_graph(colour) < LEAST_SHARE:
            assert time.monotonic() < deadline
            self.page.wait_for_timeout(200)

    def _refuse(self, route: Route) -> None:
        self.refused.add(urlsplit(route.request.url).hostname)
        route.abort()

    def _share_of_graph(self, colour: Colour) -> float:
        canvas = self.page.locator("canvas").first
        drawn = Image.open(BytesIO(canvas.screenshot())).convert("RGB")
        counted: list[Any] = drawn.getcolors(drawn.width * drawn.height) or []
        near: int = sum(count for count, seen in counted if _is_near(seen, colour))
        return near / (drawn.width * drawn.height)

    def shoot(self, name: str, height: int = 900) -> None:
        """A picture of the page, small enough for a README."""
        self.page.set_viewport_size({"width": 1200, "height": height})
        self.page.mouse.move(0, 0)
        shot = Image.open(BytesIO(self.page.screenshot(animations="disabled")))
        self._pictures.mkdir(parents=True, exist_ok=True)
        path = self._pictures / f"{name}.png"
        shot.convert("RGB").quantize(COLOURS).save(path, optimize=True)
        self.taken.append(path.name)

    def _go_to(self, menu: str) -> None:
        self.page.get_by_role("link", name=menu, exact=True).first.click()


def _is_near(seen: Colour, colour: Colour) -> bool:
    return all(abs(a - b) < 25 for a, b in zip(seen, colour, strict=True))
