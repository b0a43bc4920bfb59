"""Write a site's pages for mkdocs: notebooks and texts, with headings that it can list.

Headings and code are left to mkdocs. Everything else is made here, as on feedback pages: clean
HTML, formulas as MathML, and nothing loaded from elsewhere. It travels past mkdocs' own reading of
Markdown as a word, which hooks.py puts back.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from nbformat import NotebookNode

from autograder.report.texts import PageTexts, render_markdown

WORD = "SITEHTML{}WORD"
HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
LINK = re.compile(r'(<(?:a|img)\b[^>]*?\s(?:href|src)=")([^"]*)(")')
PICTURES = {"image/png": "png", "image/jpeg": "jpg"}


class Pages:
    """The pages of one site; `pages` has each source file and its page in the site."""

    def __init__(self, root: Path, target: Path, pages: Mapping[Path, str]) -> None:
        self.root, self.target, self.pages = root, target, pages
        self.kept: list[str] = []
        self.texts = PageTexts()

    def text(self, path: Path) -> None:
        """Write the page of a Markdown file."""
        parts = self._markdown(path.read_text(encoding="utf-8"), path, {})
        self._write(self.pages[path], parts)

    def notebook(self, path: Path, notebook: NotebookNode) -> None:
        """Write the page of a notebook."""
        page = self.pages[path]
        parts: list[str] = []
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type == "markdown":
                parts += self._markdown(cell.source, path, cell.get("attachments", {}))
            elif cell.source.strip():
                parts.append(_code(cell.source, "python"))
            for place, output in enumerate(cell.get("outputs", [])):
                name = f"{cell.id or number}-{place}"
                parts.append(self._keep(self._output(output, page, name)))
        self._write(page, parts)

    def finish(self) -> None:
        """Write what hooks.py puts back."""
        path = self.target.parent / "site-html.json"
        path.write_text(json.dumps(self.kept), encoding="utf-8")

    # -- parts of a page
    def _markdown(self, source: str, path: Path, attachments: Mapping) -> Iterator[str]:
        for kind, text in split(source):
            if kind == "text":
                drawn = render_markdown(text, attachments, clean=str)  # links to files stay
                yield self._keep(LINK.sub(lambda found: self._link(found, path), drawn))
            elif kind == "code":
                language, _, body = text.partition("\n")
                yield _code(body, language)
            else:
                yield text

    def _output(self, output: NotebookNode, page: str, name: str) -> str:
        for mime, suffix in PICTURES.items():
            if encoded := output.get("data", {}).get(mime):
                place = self.target / Path(page).parent / "pictures" / f"{name}.{suffix}"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(base64.b64decode(encoded))
                told = html.escape(output.data.get("text/plain", "")[:100])
                alt = f"a picture that this cell draws: {told}" if told else "a picture"
                return (
                    f'<img class="output" loading="lazy" src="pictures/{place.name}" alt="{alt}">'
                )
        return f'<div class="output">{self.texts.output(output)}</div>'

    def _link(self, found: re.Match, path: Path) -> str:
        """Let a link to a file of the course lead to its page, or the picture come along."""
        link = html.unescape(found[2])
        if re.match(r"[a-z+]+:|//|#", link):
            return found[0]
        link, mark, place = link.partition("#")
        page = Path(self.pages[path])
        file = Path(os.path.normpath(path.parent / link))
        other = self.pages.get(file)
        if other is None and file.is_relative_to(self.root) and file.is_file():
            other = file.relative_to(self.root).as_posix()
            (self.target / other).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, self.target / other)
        if other is None:
            return found[0]
        other = os.path.relpath(other, page.parent)
        if file in self.pages:
            other = re.sub(r"\.md$", ".html", other)
        return f"{found[1]}{html.escape(other + mark + place)}{found[3]}"

    def _keep(self, made: str) -> str:
        self.kept.append(made)
        return WORD.format(len(self.kept) - 1)

    def _write(self, page: str, parts: list[str] | Iterator[str]) -> None:
        path = self.target / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def split(source: str) -> Iterator[tuple[str, str]]:
    """Yield a Markdown text's headings, code (its language in the first line) and what is between.

    Only what begins at the margin: code in a list stays where it is.
    """
    lines: list[str] = []
    code: list[str] | None = None
    for line in source.splitlines():
        if code is not None:
            if line.rstrip() == "```":
                yield "code", "\n".join(code)
                code = None
            else:
                code.append(line)
            continue
        begins_code, heading = line.startswith("```"), HEADING.match(line)
        if not begins_code and not heading:
            lines.append(line)
            continue
        if "".join(lines).strip():
            yield "text", "\n".join(lines)
        lines = []
        if begins_code:
            code = [line[3:].strip()]
        else:
            yield "heading", line
    if code is not None:
        yield "code", "\n".join(code)
    if "".join(lines).strip():
        yield "text", "\n".join(lines)


def _code(source: str, language: str) -> str:
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", source)), default=0))
    language = language if language in ("python", "sh") else "text"
    return f"{fence}{language}\n{source}\n{fence}"
