"""The site of a tiny course: pictures and outputs are there, and no solution is."""

import importlib.util
import re
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.colab import colab_cell
from autograder.course import Assignment
from autograder.exercise import Exercise

pytest.importorskip("material", reason="mkdocs-material, which makes the site, is not installed")

ROOT = Path(__file__).resolve().parents[1]
SOLUTION = [
    "    doubled_secretly = x + x",
    "    assert doubled_secretly is not None",
    "    return doubled_secretly",
]
USE = "import os, sys\nprint(double(21), os.getcwd())\nsys.stderr.write('1%\\r99%\\n')"
PICTURE = "import matplotlib.pyplot as plt\nplt.plot([1, 4])\nplt.show()"


def load(name):
    """Import one of the site's tools."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / "site" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tools():
    """The site's tools; what they import from each other is found, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path])
        pages, run, build = map(load, ("pages", "run", "build"))
        yield build, run, pages
        for name in ("pages", "run", "build"):
            del sys.modules[name]


def notebook(body, answer):
    def marks(name, **given):
        plain = {"grade": False, "locked": False, "solution": False, "task": False}
        return {"nbgrader": {**plain, "schema_version": 3, "grade_id": name, **given}}

    solution, graded = marks("double", solution=True), {"grade": True, "locked": True}
    hidden = marks("double-hidden", **graded, points=2)
    written = marks("why", grade=True, solution=True, points=1)
    cells = [
        new_markdown_cell(
            "# Doubling\n\nThe rule is $y = 2x$; `x` <b>may</b> be an array.", id="a"
        ),
        new_code_cell(f"def double(x):\n{body}", id="double", metadata=solution),
        new_code_cell(USE, id="use"),
        new_code_cell(PICTURE, id="picture"),
        new_code_cell("print('what', 'the hidden test says')", id="double-hidden", metadata=hidden),
        new_markdown_cell(answer, id="why", metadata=written),
    ]
    kernel = {"display_name": "Python 3", "name": "python3"}
    return new_notebook(metadata={"kernelspec": kernel}, cells=cells)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of one notebook, which has been released."""
    root = tmp_path_factory.mktemp("course")
    (root / "README.md").write_text(
        "# A course\n\nSee [the notebook](assignments/s1_tiny/tiny.ipynb), "
        "[lateness](docs/late.md#x) and [the licence](LICENSE).\n\n```sh\nmake demo\n```\n"
    )
    (root / "LICENSE").write_text("free")
    (root / "docs").mkdir()
    (root / "docs" / "late.md").write_text("# Late\n\n1. Costs\n\n   ```sh\n   nothing\n   ```\n")
    for kind, body, answer in (
        ("solutions", "\n".join(SOLUTION), "Because the secret answer says so."),
        ("assignments", "    raise NotImplementedError", "*Write your answer here.*"),
    ):
        (root / kind / "s1_tiny").mkdir(parents=True)
        nb = notebook(body, answer)
        if kind == "solutions":
            marked = ["def double(x):", "    ### BEGIN SOLUTION", *SOLUTION, "    ### END SOLUTION"]
            nb.cells[1].source = "\n".join(marked)
        else:
            nb.cells.insert(1, colab_cell(""))  # as every release has it
        nbformat.write(nb, root / kind / "s1_tiny" / "tiny.ipynb")
    return root


def assignment(root):
    exercise = Exercise(points=2, returns={"double": "y"})
    exercise.name = "double"
    exercise.case("a case that is hidden and has a long name")(lambda student, rng: None)
    return {"s1_tiny": Assignment("s1_tiny", root, {"double": exercise})}


@pytest.fixture(scope="module")
def site(tools, course):
    build, *_ = tools
    (course / "build").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        # What a test looks for is its own; the real course's examinations take seconds to read.
        patch.setattr("autograder.bundle.exercises_package.__file__", str(course / "x.py"))
        made = build.Site(course, assignment(course), course / "build").build()
    return made


@pytest.fixture(scope="module")
def page(site):
    return (site / "assignments" / "s1_tiny" / "tiny.html").read_text()


def test_the_notebook_is_there_with_its_outputs_and_pictures(site, page):
    words = (
        "<h1",
        "Doubling",
        "<math",
        "NotImplementedError",
        "42 cs231n/solutions/s1_tiny",
        "99%",
    )
    assert [word for word in words if word not in page] == []
    assert "1%\r" not in page
    assert "google.colab" not in page
    (picture,) = re.findall(r'src="(pictures/[^"]+)"', page)
    content = (site / "assignments" / "s1_tiny" / picture).read_bytes()
    assert (content[:4], len(content) > 1000) == (b"\x89PNG", True)


def test_no_solution_is_there_and_nothing_of_this_machine(site, course):
    kept = [path for path in site.rglob("*") if path.is_file()]
    words = ("doubled_secretly", "secret answer", "what the hidden test says", str(course))
    for word in words:
        assert not [path for path in kept if word.encode() in path.read_bytes()]
    run = next((course / "build" / "site-runs").glob("tiny-*.ipynb")).read_text()
    assert "doubled_secretly" in run  # where it would have come from


def test_it_can_be_searched(site):
    index = (site / "search" / "search_index.json").read_text()
    assert [word for word in ("Doubling", "99%") if word not in index] == []


def test_links_lead_to_pages_and_files_of_the_site(site):
    home = (site / "index.html").read_text()
    assert 'href="assignments/s1_tiny/tiny.html"' in home
    assert 'href="docs/late.html#x"' in home
    assert (site / "LICENSE").read_text() == "free"
    assert "SITEHTML" not in home + (site / "docs" / "late.html").read_text()


def test_a_second_time_nothing_is_run(tools, course, monkeypatch):
    _, run, _ = tools
    monkeypatch.setattr(run.NotebookClient, "execute", lambda self: pytest.fail("it was run"))
    path = course / "solutions" / "s1_tiny" / "tiny.ipynb"
    found = run.run_notebook(path, course / "build" / "site-runs")
    assert "42" in str(found.cells[2].outputs)
    other = course / "other.ipynb"
    other.write_text(path.read_text().replace("21", "22"))
    assert run.digest(other) != run.digest(path)


def test_a_page_that_shows_a_solution_is_found(tools, site, course, tmp_path, monkeypatch):
    build, *_ = tools
    monkeypatch.setattr("autograder.bundle.exercises_package.__file__", str(course / "x.py"))
    copy = tmp_path / "site"
    shutil.copytree(site, copy)
    assert list(build.leaked(copy, assignment(course))) == []
    path = copy / "assignments" / "s1_tiny" / "tiny.html"
    shown = "".join(f"<span>{line}</span>\n" for line in SOLUTION)
    path.write_text(path.read_text().replace("</h1>", f"</h1><pre>{shown}</pre>"))
    told = list(build.leaked(copy, assignment(course)))
    assert "assignments/s1_tiny/tiny.html holds the solution of double" in told


def test_what_is_loaded_from_elsewhere_or_leads_nowhere_is_found(tools, site, tmp_path):
    build, *_ = tools
    copy = tmp_path / "site"
    shutil.copytree(site, copy)
    assert list(build.broken_links(copy)) == []
    path = copy / "index.html"
    path.write_text(
        path.read_text() + '<script src="https://x.org/a.js"></script><a href="b.html">'
    )
    assert list(build.broken_links(copy)) == [
        "index.html links to b.html, which is not there",
        "index.html loads https://x.org/a.js",
    ]


def test_the_workflow_can_be_read_and_asks_for_no_more_than_pages():
    text = (ROOT / ".github" / "workflows" / "site.yml").read_text()
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["publish"]["permissions"] == {"pages": "write", "id-token": "write"}
    assert "make site" in text
