"""A notebook in JupyterLab, and the hands of a student on it."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, Locator, Page, expect

from .chromium import PATIENCE
from .jupyter import Jupyter

expect.set_options(timeout=PATIENCE)


class LabPage:
    """One JupyterLab page with one notebook open, whose kernel waits for work."""

    def __init__(self, context: BrowserContext, jupyter: Jupyter, path: str = "") -> None:
        self.page: Page = context.new_page()
        self.page.goto(jupyter.lab(path))
        if path:
            self.page.locator(".jp-Toolbar-kernelName", has_text="Python 3").wait_for()
            self.wait_until_idle()

    def wait_until_idle(self) -> None:
        """Wait until the kernel has nothing to do."""
        sign = self.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")
        expect(sign.first).to_be_visible()

    def cell(self, beginning: str) -> Locator:
        """The code cell in which this text stands."""
        found = self.page.locator(".jp-Notebook .jp-CodeCell").filter(
            has=self.page.locator(".jp-InputArea", has_text=beginning)
        )
        expect(found).to_have_count(1)
        return found

    def put_cursor(self, cell: Locator, line: str) -> None:
        """Click into a line of a cell and go to its end."""
        cell.locator(".cm-line", has_text=line).click()
        self.page.keyboard.press("End")

    def overwrite(self, cell: Locator, line: str, *lines: str) -> None:
        """Type lines in the place of one."""
        self.put_cursor(cell, line)
        self.page.keyboard.press("Home")  # to where the text begins: the indentation stays
        self.page.keyboard.press("Shift+End")
        for number, text in enumerate(lines):
            if number:
                self.page.keyboard.press("Enter")
            self.page.keyboard.type(text)

    def run(self, cell: Locator) -> None:
        """Run a cell as students do, and wait until it has run."""
        prompt = cell.locator(".jp-InputPrompt").first
        before = prompt.inner_text()
        cell.locator(".cm-line").first.click()
        self.page.keyboard.press("Shift+Enter")
        expect(prompt).not_to_have_text(before)
        expect(prompt).to_have_text(re.compile(r"\[\d+\]:"))

    def choose(self, *path: str) -> None:
        """Choose an entry of the menu, by the names on the way to it."""
        first, *rest = path
        self.page.locator(".lm-MenuBar").get_by_role("menuitem", name=first, exact=True).click()
        for name in rest:
            label = self.page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{name}$"))
            entry = self.page.locator(".lm-Menu-item:not(.lm-mod-hidden)", has=label)
            if name == rest[-1]:
                entry.click()
            else:
                entry.hover()

    def use_theme(self, name: str) -> None:
        """Change JupyterLab's theme: Light or Dark."""
        self.choose("Settings", "Theme", f"JupyterLab {name}")
        light = "true" if name == "Light" else "false"
        self.page.locator(f"body[data-jp-theme-light={light}]").wait_for(state="attached")
