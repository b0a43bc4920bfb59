"""What mkdocs calls: put back the HTML that pages.py kept past its reading of Markdown."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any


@cache
def _kept(path: Path) -> list[str]:
    return json.loads(path.read_text(encoding="utf-8"))


def on_page_content(html: str, config: Any, **_: Any) -> str:
    """Return a page's HTML with everything in its place."""
    kept = _kept(Path(config["docs_dir"]).parent / "site-html.json")
    return re.sub(r"(?:<p>)?SITEHTML(\d+)WORD(?:</p>)?", lambda found: kept[int(found[1])], html)
