"""Accidents and tricks with cells end in a notebook of the release's shape."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.nbgraderformat import MetadataValidator

from autograder.repair import EXTRA_CHARACTERS, MOST_EXTRA_CELLS, repair


def ids(notebook):
    return [cell.id for cell in notebook.cells]


def copied(cell, ident="copy"):
    """Copy and paste in Jupyter: nbgrader's name stays, the id is new."""
    cell = nbformat.from_dict(cell)
    cell.id = ident
    return cell


def position(notebook, ident):
    return ids(notebook).index(ident)


@pytest.fixture(autouse=True)
def every_repaired_notebook_is_valid(release, monkeypatch):
    """Whatever is repaired: valid for nbformat and nbgrader, every cell of the release in order."""
    import autograder.repair as module

    original = module.repair

    def checked(submitted, unfilled):
        repaired = original(submitted, unfilled)
        nbformat.validate(repaired.notebook)
        MetadataValidator().validate_nb(repaired.notebook)
        order = [ident for ident in ids(repaired.notebook) if not ident.startswith("own-")]
        assert order == ids(release)
        for cell in repaired.notebook.cells:
            expected = next((c.metadata for c in release.cells if c.id == cell.id), {})
            assert cell.metadata == expected
        return repaired

    monkeypatch.setitem(globals(), "repair", checked)


def test_a_notebook_in_order_is_left_alone(filled, release):
    repaired = repair(filled, release)
    assert repaired.notebook.cells == filled.cells
    assert repaired.notes == []


def test_an_unfilled_notebook_is_left_alone(release):
    assert repair(release, release).notes == []


def test_a_duplicated_cell_counts_once_and_the_last_filled_copy_is_taken(filled, release, cell_of):
    first = cell_of(filled, "double")
    second = copied(first)
    second.source = "def double(x):\n    return x + x"
    untouched = copied(cell_of(release, "double"), "untouched")
    filled.cells += [second, untouched]
    repaired = repair(filled, release)
    assert cell_of(repaired.notebook, "double").source == second.source
    assert repaired.notes == [
        "The cell “double” was there more than once; the last copy that was filled in counts."
    ]


def test_a_deleted_cell_is_put_back_unfilled(filled, release, cell_of):
    del filled.cells[position(filled, "double") :: 1][:3]
    filled.cells = [cell for cell in filled.cells if not cell.id.startswith("double")]
    repaired = repair(filled, release)
    assert cell_of(repaired.notebook, "double").source == cell_of(release, "double").source
    assert repaired.notes == [
        "The cells “double”, “double-check” and “double-hidden” were missing; "
        "they were put back as handed out."
    ]


def test_a_deleted_cell_whose_answer_stands_elsewhere_does_not_hide_it(filled, release, cell_of):
    both = "def double(x):\n    return 2 * x\n\n\ndef square(x):\n    return x * x"
    filled.cells = [cell for cell in filled.cells if cell.id not in ("double", "square")]
    filled.cells.insert(2, new_code_cell(source=both))
    repaired = repair(filled, release)
    sources = "\n".join(cell.source for cell in repaired.notebook.cells)
    assert both in sources
    assert "NotImplementedError" not in sources
    assert repaired.notes == [
        "The cell “double” was missing; its answer was found in another cell.",
        "Cells had been moved; they were put back into the order of the handout.",
    ]


def test_methods_of_a_pasted_class_count_as_found_elsewhere(filled, release, cell_of):
    pasted = "class Numbers:\n    def double(self, x):\n        return 2 * x"
    filled.cells = [cell for cell in filled.cells if cell.id != "double"]
    filled.cells.insert(2, new_code_cell(source=pasted))
    repaired = repair(filled, release)
    assert "NotImplementedError" not in cell_of(repaired.notebook, "double").source


def test_cells_without_ids_and_names_are_found_by_text_and_definition(filled, release, cell_of):
    for number, cell in enumerate(filled.cells):
        cell.id = f"colab{number}"
        cell.metadata = {"id": "x"}
    cell_of(filled, "colab2").source = "import math\n\ndef double(x):\n    return math.ldexp(x, 1)"
    repaired = repair(filled, release)
    assert "ldexp" in cell_of(repaired.notebook, "double").source
    assert "x**2" in cell_of(repaired.notebook, "square").source
    assert cell_of(repaired.notebook, "why").source == "Because it is."
    assert len(repaired.notebook.cells) == len(release.cells)
    assert repaired.notes == []


def test_a_solution_that_does_not_parse_is_still_found_by_its_definition(filled, release, cell_of):
    cell = cell_of(filled, "double")
    cell.id, cell.metadata = "colab", {}
    cell.source = "def double(x):\n    return 2 * x) # oops"
    repaired = repair(filled, release)
    assert cell_of(repaired.notebook, "double").source.endswith("oops")


def test_a_changed_test_cell_is_put_back(filled, release, cell_of):
    cell_of(filled, "double-hidden").source = "2.0"
    cell_of(filled, "square-check").source = "print('all good')"
    repaired = repair(filled, release)
    for ident in ("double-hidden", "square-check"):
        assert cell_of(repaired.notebook, ident).source == cell_of(release, ident).source
    assert len(repaired.notebook.cells) == len(release.cells)
    assert repaired.notes == [
        "The cells “double-hidden” and “square-check” had been changed; "
        "they were put back as handed out."
    ]


def test_an_import_added_to_a_given_cell_is_kept_below_it(filled, release, cell_of):
    cell_of(filled, "setup").source = "import math\nimport itertools"
    repaired = repair(filled, release)
    after = repaired.notebook.cells[position(repaired.notebook, "setup") + 1]
    assert after.source == "import math\nimport itertools"
    assert cell_of(repaired.notebook, "setup").source == "import math"
    assert repaired.notes == [
        "The cell “setup” had been changed; it was put back as handed out.",
        "Your version of “setup” also defined names of its own, so it was kept below.",
    ]


def test_names_defined_in_a_test_cell_are_not_kept(filled, release, cell_of):
    cell_of(filled, "double-hidden").source = "hidden_test = lambda name: 2.0\nhidden_test('x')"
    repaired = repair(filled, release)
    assert len(repaired.notebook.cells) == len(release.cells)


def test_words_written_into_a_text_of_the_handout_are_kept_below_it(filled, release, cell_of):
    cell_of(filled, "question").source += "\n\nI think it is because of the two."
    repaired = repair(filled, release)
    below = repaired.notebook.cells[position(repaired.notebook, "question") + 1]
    assert below.source.endswith("because of the two.")
    assert cell_of(repaired.notebook, "question").source == cell_of(release, "question").source
    assert len(repaired.notes) == 1


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_a_retyped_solution_is_turned_back_into_code(kind, filled, release, cell_of):
    index = position(filled, "double")
    old = filled.cells[index]
    new = nbformat.v4.new_raw_cell if kind == "raw" else new_markdown_cell
    filled.cells[index] = new(source=old.source, metadata=old.metadata, id=old.id)
    repaired = repair(filled, release)
    assert cell_of(repaired.notebook, "double").cell_type == "code"
    assert cell_of(repaired.notebook, "double").source == old.source
    assert repaired.notes == [
        "“double” had been turned into a cell of another kind; it was turned back."
    ]


def test_a_written_answer_turned_into_code_is_turned_back(filled, release, cell_of):
    index = position(filled, "why")
    old = filled.cells[index]
    filled.cells[index] = new_code_cell(source=old.source, metadata=old.metadata, id=old.id)
    repaired = repair(filled, release)
    assert cell_of(repaired.notebook, "why").cell_type == "markdown"
    assert cell_of(repaired.notebook, "why").source == "Because it is."


def test_moved_cells_are_put_back_in_order(filled, release):
    filled.cells = filled.cells[::-1]
    repaired = repair(filled, release)
    assert ids(repaired.notebook) == ids(release)
    assert repaired.notes == [
        "Cells had been moved; they were put back into the order of the handout."
    ]


def test_the_students_own_cells_stay_after_the_cell_before_them(filled, release):
    filled.cells.insert(0, new_markdown_cell(source="Ada's copy", id="mine"))
    after = position(filled, "double") + 1
    filled.cells.insert(after, new_code_cell(source="double(2)", id="try"))
    filled.cells.insert(after + 1, new_code_cell(source="double(3)", id="try2"))
    filled.cells.append(new_code_cell(source="  \n"))
    repaired = repair(filled, release)
    assert ids(repaired.notebook) == [
        "own-1",
        "title",
        "setup",
        "double",
        "own-2",
        "own-3",
        *ids(release)[3:],
    ]
    assert repaired.notebook.cells[5].source == "double(3)"
    assert repaired.notes == []


@pytest.mark.parametrize(
    "forgery",
    [
        {"tags": ["skip-execution"]},
        {"tags": ["demonstration"]},
        {"nbgrader": {"grade_id": "double-hidden", "points": 1000, "schema_version": 99}},
        {"nbgrader": {"grade_id": "double-hidden", "grade": False, "solution": True}},
        {"nbgrader": {"grade_id": "double-hidden", "task": True, "schema_version": None}},
        {"nbgrader": {"grade_id": ["double-hidden"]}},
        {"nbgrader": {"grade_id": 7}},
        {"nbgrader": "double-hidden"},
        {"nbgrader": None},
        {"jupyter": {"source_hidden": True, "outputs_hidden": True}, "collapsed": True},
    ],
)
def test_forged_metadata_does_not_come_through(forgery, filled, release, cell_of):
    cell_of(filled, "double-hidden").metadata = nbformat.from_dict(forgery)
    if isinstance(forgery.get("nbgrader"), dict):
        forgery = {"nbgrader": {**forgery["nbgrader"], "grade_id": "double"}}
    cell_of(filled, "double").metadata = nbformat.from_dict(forgery)
    filled.metadata = nbformat.from_dict({"kernelspec": {"name": "evil"}, "celltoolbar": "x"})
    repaired = repair(filled, release)
    assert repaired.notebook.metadata == release.metadata
    # That the cells' metadata is the release's is checked for every test, above.
    assert "2 * x" in cell_of(repaired.notebook, "double").source


def test_a_solution_that_claims_to_be_a_test_cell_only_hurts_itself(filled, release, cell_of):
    cell_of(filled, "double").metadata["nbgrader"]["grade_id"] = "double-hidden"
    repaired = repair(filled, release)
    assert cell_of(repaired.notebook, "double").source == cell_of(release, "double").source


def test_forged_outputs_do_not_come_through(filled, release):
    for cell in filled.cells:
        if cell.cell_type == "code":
            result = {"text/plain": "3.0", "text/html": "<script>alert(1)</script>"}
            cell.outputs = [nbformat.v4.new_output("execute_result", data=result)]
            cell.execution_count = 7
    repaired = repair(filled, release)
    code = [cell for cell in repaired.notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_a_flood_of_own_cells_is_bounded_and_said(filled, release):
    for number in range(MOST_EXTRA_CELLS + 50):
        filled.cells.append(new_code_cell(source=f"{number}"))
    repaired = repair(filled, release)
    assert len(repaired.notebook.cells) == len(release.cells) + MOST_EXTRA_CELLS
    assert "50 were left out" in repaired.notes[0]


def test_own_cells_of_megabytes_are_bounded(filled, release):
    for _ in range(8):
        filled.cells.append(new_code_cell(source="#" + "x" * (EXTRA_CHARACTERS // 4)))
    repaired = repair(filled, release)
    own = [cell for cell in repaired.notebook.cells if cell.id.startswith("own-")]
    assert sum(len(cell.source) for cell in own) <= EXTRA_CHARACTERS


def test_a_pasted_picture_in_an_answer_is_kept(filled, release, cell_of):
    picture = {"a.png": {"image/png": "aGVsbG8="}}
    cell_of(filled, "why")["attachments"] = picture
    repaired = repair(filled, release)
    assert cell_of(repaired.notebook, "why").attachments == picture


def test_the_release_itself_is_never_changed(filled, release):
    before = nbformat.writes(release)
    notebook = repair(filled, release).notebook
    notebook.cells[1].metadata["x"] = notebook.metadata["x"] = 1
    notebook.metadata["kernelspec"]["name"] = "x"
    assert nbformat.writes(release) == before
