"""Compare two courses' gradebooks and graded files: row for row, cell for cell."""

import re
import shutil

import nbformat
from nbgrader.converters.base import NbGraderException
from nbgrader.converters.generate_feedback import GenerateFeedback
from sqlalchemy import MetaData, create_engine, select

from autograder import classroom
from autograder.safe_autograde import SafeAutograde
from autograder.submission import KEY


def copy_of(course, target):
    """Copy a course to another folder; links stay links."""
    shutil.copytree(course, target, symlinks=True)
    return target


def grade_by_nbgrader(root, slug, seed, **judge):
    """Do what `nbgrader autograde` and `nbgrader generate_feedback` do, with our plugin.

    Returns what the first of them raised: it ends with an error when a submission failed.
    """
    config = classroom.load_config(root)
    config.JudgeCells.seed = seed
    config.JudgeCells.update(judge)
    trouble = []
    for converter in (SafeAutograde, GenerateFeedback):
        coursedir = classroom.CourseDirectory(config=config, root=str(root), assignment_id=slug)
        work = converter(coursedir=coursedir, config=config)
        work.force = True
        try:
            work.start()
        except NbGraderException as error:
            trouble.append(str(error))
    return trouble


def gradebook_rows(db_url):
    """Return all tables of a gradebook, by name, without made-up ids: sorted rows of values."""
    engine = create_engine(db_url)
    tables = MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        found = {
            name: [dict(row._mapping) for row in connection.execute(select(table))]
            for name, table in tables.tables.items()
        }
    engine.dispose()
    # A made-up id becomes what it stands for.
    names = {}
    for table in ("assignment", "notebook", "base_cell", "submitted_assignment"):
        for row in found.get(table, []):
            names[row["id"]] = (table, row.get("name") or row.get("student_id"), row.get("type"))
    for row in found.get("submitted_notebook", []):
        names[row["id"]] = ("notebook of", names[row["assignment_id"]])
    return {
        table: sorted(
            str({key: _named(key, value, names) for key, value in sorted(row.items())})
            for row in rows
        )
        for table, rows in found.items()
    }


def _named(key, value, names):
    if key == "id":
        return names.get(value, "an id")
    return names.get(value, value) if key.endswith("_id") else value


def files(folder):
    """Return the files below a folder by name: permissions and content, without what differs from
    run to run.
    """
    return {
        str(path.relative_to(folder)): (oct(path.stat().st_mode), _content(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _content(path):
    text = path.read_bytes()
    if path.suffix == ".html":
        return re.sub(r"<!-- marks \w+ -->\n", "", text.decode())
    if path.suffix != ".ipynb":
        return text
    notebook = nbformat.reads(text.decode(), as_version=4)
    record = notebook.metadata["grading"]
    record.pop(KEY, None)
    record.pop("seconds")
    return nbformat.writes(notebook)
