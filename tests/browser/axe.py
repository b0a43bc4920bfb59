"""axe-core over a page: what would keep somebody from using it."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

axe = Axe()


def serious_findings(page: Page, part: str | None = None, *, colours: bool = True) -> list[str]:
    """Return axe-core's serious and critical findings on a page, or on a part (a selector).

    Without `colours`, contrast is left out, which takes most of the time.
    """
    options = {"resultTypes": ["violations"], "rules": {"color-contrast": {"enabled": colours}}}
    violations = axe.run(page, context=part, options=options).response["violations"]
    return [
        f"{found['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
        for found in violations
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]
