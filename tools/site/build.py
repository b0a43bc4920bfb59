"""Build the course's site: python tools/site/build.py, or `make site`. It lies in build/site.

The notebooks are run with their solutions, whose outputs are kept, and shown with the cells that
students get. At last every page is searched for lines of a solution or a hidden test: if one is
found, nothing is left standing.
"""

from __future__ import annotations

import argparse
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import nbformat
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))
from pages import Pages
from run import run_notebook

from autograder.bundle import leaks
from autograder.colab import is_for_colab
from autograder.course import Assignment, assignments, course_root

TEACHERS = ("students.md", "late.md", "elsewhere.md", "sandbox.md", "security.md", "design.md")
THEME = {
    "name": "material",
    "font": False,  # nothing is loaded from elsewhere
    "features": ["navigation.sections", "navigation.top", "navigation.footer", "toc.follow"],
    "palette": [
        {
            "media": "(prefers-color-scheme: light)",
            "scheme": "default",
            "primary": "indigo",
            "toggle": {"icon": "material/weather-night", "name": "Dark"},
        },
        {
            "media": "(prefers-color-scheme: dark)",
            "scheme": "slate",
            "primary": "indigo",
            "toggle": {"icon": "material/weather-sunny", "name": "Light"},
        },
    ],
}


class LeakySite(ValueError):
    """A page shows what no student may hold, or links to nothing; the message lists them."""


@dataclass
class Site:
    """Where a course's site is made, and what its pages are."""

    root: Path
    course: Mapping[str, Assignment]
    place: Path
    run: bool = True
    pages: dict[Path, str] = field(default_factory=dict)
    """Each source file and its page, as paths in the course and in the site."""

    @property
    def source(self) -> Path:
        """What mkdocs makes the site from."""
        return self.place / "site-source"

    def build(self) -> Path:
        """Make the site, look at what became of it, and return its folder."""
        target = self.place / "site"
        for folder in (self.source, target):
            shutil.rmtree(folder, ignore_errors=True)
        nav = self._plan()
        writer = Pages(self.root, self.source, self.pages)
        for assignment in self.course.values():
            shown = shown_notebook(assignment, self.place / "site-runs", run=self.run)
            writer.notebook(assignment.release_path, shown)
        for path, page in self.pages.items():
            if page.endswith(".md") and path.suffix == ".md":
                writer.text(path)
        writer.finish()
        shutil.copy(Path(__file__).with_name("site.css"), self.source)
        config = self.place / "mkdocs.yml"
        config.write_text(yaml.safe_dump(self._config(nav, target), sort_keys=False))
        # What a newer mkdocs has to announce is nothing for a log.
        environment = os.environ | {"NO_MKDOCS_2_WARNING": "true"}
        command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--config-file", config]
        subprocess.run(command, check=True, env=environment)
        if troubles := [*leaked(target, self.course), *broken_links(target)]:
            shutil.rmtree(target)
            told = "\n".join(troubles[:20])
            raise LeakySite(f"the site was not kept:\n{told}")
        return target

    def _plan(self) -> list[dict]:
        """Name every page; return how they hang together."""
        self.pages[self.root / "README.md"] = "index.md"
        notebooks = []
        for slug, assignment in self.course.items():
            page = f"assignments/{slug}/{assignment.notebook_name}.md"
            self.pages[assignment.release_path] = page
            notebooks.append(page)
        nav: list[dict] = [{"The course": "index.md"}, {"Notebooks": notebooks}]
        for title, names in (
            ("For teachers", [f"docs/{name}" for name in TEACHERS]),
            ("More", ["CONTRIBUTING.md", "CHANGELOG.md", "datasets/README.md"]),
        ):
            there = [name for name in names if (self.root / name).is_file()]
            listed = {name: name.replace("README.md", "about.md") for name in there}
            self.pages |= {self.root / name: page for name, page in listed.items()}
            nav.append({title: list(listed.values())})
        return nav

    def _config(self, nav: list[dict], target: Path) -> dict:
        return {
            "site_name": "CS231n, autograded",
            "docs_dir": str(self.source),
            "site_dir": str(target),
            "use_directory_urls": False,  # so that pages can be read from a folder, too
            "theme": THEME,
            "nav": nav,
            "plugins": ["search"],
            "hooks": [str(Path(__file__).with_name("hooks.py"))],
            "extra_css": ["site.css"],
            "extra": {"generator": False},
            "markdown_extensions": [
                "pymdownx.highlight",
                "pymdownx.superfences",
                {"toc": {"toc_depth": 3}},
            ],
        }


def shown_notebook(assignment: Assignment, cache: Path, *, run: bool) -> nbformat.NotebookNode:
    """Return the released notebook with the solution's outputs; cells with points show none.

    What only fetches the course is left out.
    """
    released = nbformat.read(assignment.release_path, as_version=4)
    released.cells = [cell for cell in released.cells if not is_for_colab(cell)]
    if not run:
        return released
    outputs = {
        cell.id: cell.outputs
        for cell in run_notebook(assignment.solution_path, cache).cells
        if cell.cell_type == "code"
    }
    for cell in released.cells:
        if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("grade"):
            cell.outputs = outputs.get(cell.id, [])
    return released


# ---------------------------------------------------------------------- what became of it
class _Reader(html.parser.HTMLParser):
    """A page's text, line by line, and what it links to or loads."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name == "href" and tag == "a":
                self.links.append(value or "")
            elif name in ("src", "srcset") or (name == "href" and tag == "link"):
                self.loads.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read_page(path: Path) -> _Reader:
    """Return what a page says."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader


def texts(site: Path) -> dict[str, bytes]:
    """Return what people and programs can read in a site, by page."""
    pages = sorted(site.rglob("*.html"))
    found = {str(p.relative_to(site)): "".join(read_page(p).text).encode() for p in pages}
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    for entry in index["docs"]:
        text = re.sub(r"<[^>]+>", "", html.unescape(entry["text"]))
        found[f"{entry['location']} (searched)"] = text.encode()
    return found


def leaked(site: Path, course: Mapping[str, Assignment]) -> Iterator[str]:
    """Yield a sentence for each page that shows a solution, a reference or a hidden case. What is
    written for teachers may name the grader and a solution's marks.
    """
    for trouble in leaks(texts(site), course):
        named = trouble.endswith((" marker", " grader"))
        if not named or trouble.startswith("assignments/"):
            yield trouble


def broken_links(site: Path) -> Iterator[str]:
    """Yield a sentence for each link to nothing, and for each thing loaded from elsewhere."""
    for path in sorted(site.rglob("*.html")):
        if path.name == "404.html":
            continue
        name, page = path.relative_to(site), read_page(path)
        for link in (*page.links, *page.loads):
            if re.match(r"[a-z+]+:|//", link):
                if link in page.loads and not link.startswith("data:"):
                    yield f"{name} loads {link[:100]}"
                continue
            place = PurePosixPath(link.partition("#")[0].partition("?")[0])
            if str(place) not in ("", ".") and not (path.parent / place).exists():
                yield f"{name} links to {link[:100]}, which is not there"


def main() -> None:
    """Build the site of the course around the working folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-run", action="store_true", help="show the notebooks without outputs")
    options = parser.parse_args()
    root = course_root()
    place = root / "build"
    place.mkdir(exist_ok=True)
    print(Site(root, assignments(root), place, run=not options.no_run).build())


if __name__ == "__main__":
    main()
