"""What a teacher reads after grading: a page, a table for a spreadsheet, and the same as JSON."""

from autograder.report.terminal import print_gradebook
from autograder.report.writing import write_reports

__all__ = ["print_gradebook", "write_reports"]
