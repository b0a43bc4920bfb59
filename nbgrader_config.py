"""nbgrader's settings for this course; nbgrader reads this file when it is run in this folder."""

import sys
from importlib.util import find_spec
from pathlib import Path

c = get_config()  # noqa: F821  (nbgrader defines it)

c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "assignments"
c.CourseDirectory.ignore = [".ipynb_checkpoints", "__pycache__", "*.pyc", ".*", "feedback"]
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("Write your code here")'}
c.ClearSolutions.text_stub = "*Write your answer here.*"
# The Validate button runs a student's notebook: without its training, which takes minutes.
c.Execute.skip_cells_with_tag = "demonstration"
# Where a notebook that is opened in Google Colab gets the course's files: a Git repository that
# students may read, or the address of cs231n-students.zip (docs/students.md). With "" they upload
# the zip. After a change: python -m autograder release
c.ColabCell.course = ""

if find_spec("autograder") is None:
    sys.path.append(c.CourseDirectory.root)  # a course that is not installed
try:
    from autograder.nbgrader_plugin import install

    install(c)  # our intake, sandbox and judge, in the place of nbgrader's own execution
except Exception as error:
    # nbgrader only logs a failing config file, and would then run students' code unconfined.
    raise SystemExit(
        f"The course's grader could not be installed, so nothing is run: {error!r}"
    ) from None
