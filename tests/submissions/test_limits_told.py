"""What went over a limit is told to the student and the teacher in a sentence."""

from autograder.sandbox import Limits

from . import small_course as tiny


def test_a_limit_that_was_reached_is_a_note_in_plain_words(wall, released):
    cells = [
        "import time\ntime.sleep(60)",
        "held = np.empty(1 << 40)",
        "with open('data.bin', 'wb') as f: f.write(bytes(9 << 20))",
        "import subprocess\nsubprocess.run(['ls'])",
    ]
    limits = Limits(cell_seconds=8.0, file_size=8 << 20)
    graded = tiny.grade(released, tiny.with_cells(tiny.notebook(), *cells), limits=limits)
    assert graded.notes == [
        "The cell that begins with “import time” ran for too long: a cell has 8 seconds, a "
        "submission 300 in all.",
        "The cell that begins with “held = np.empty(1 << 40)” asked for more memory than there is: "
        "a submission has 4,096 MB.",
        "The cell that begins with “with open('data.bin', 'wb') as f: f.write(bytes(9 << 20))” "
        "wrote a file that is larger than it may be: 8 MB.",
        "The cell that begins with “import subprocess” started another program or process, or "
        "asked for the network; while grading there is neither (a DataLoader wants num_workers=0).",
    ]
    assert sum(verdict.points for verdict in graded.verdicts.values()) == 7
