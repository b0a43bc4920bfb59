"""Cells behind the wall: outputs, errors, and what a notebook expects of its kernel."""

import base64

import nbformat
import numpy as np
import pytest

from autograder.sandbox import CallRefused, CallTimeout, start_session


def texts(result):
    """All that a cell printed or evaluated to, as text."""
    parts = []
    for output in result.outputs:
        parts.append(output.get("text") or output.get("data", {}).get("text/plain", ""))
    return "".join(parts)


def error(result):
    (one,) = [output for output in result.outputs if output["output_type"] == "error"]
    return one


def test_the_value_of_the_last_expression_is_the_result(session):
    result = session.run_cell("import numpy as np\nnp.arange(3)")
    assert result.status == "ok"
    assert result.outputs[0]["output_type"] == "execute_result"
    assert result.outputs[0]["data"] == {"text/plain": "array([0, 1, 2])"}
    assert result.outputs[0]["execution_count"] >= 1
    assert 0 < result.seconds < 30


def test_underscore_and_out_hold_earlier_results(session):
    session.run_cell("6 * 7")
    assert texts(session.run_cell("_ + 1")) == "43"
    assert texts(session.run_cell("Out[max(Out)]")) == "43"


def test_prints_come_in_order_and_joined(session):
    result = session.run_cell("import sys\nprint('a')\nprint('b')\nprint('c', file=sys.stderr)")
    assert [(o["name"], o["text"]) for o in result.outputs] == [
        ("stdout", "a\nb\n"),
        ("stderr", "c\n"),
    ]


def test_what_c_code_prints_is_part_of_the_cell(session):
    assert texts(session.run_cell("import os\n_ = os.write(1, b'from C')")) == "from C"


def test_an_exception_is_an_output_with_a_traceback(session):
    result = session.run_cell("def f():\n    return 1 / 0\nf()")
    assert result.status == "error"
    assert error(result)["ename"] == "ZeroDivisionError"
    assert any("1 / 0" in line for line in error(result)["traceback"])
    assert "\x1b" not in "".join(error(result)["traceback"])


def test_a_syntax_error_is_an_output(session):
    assert error(session.run_cell("def f(:"))["ename"] == "SyntaxError"


def test_an_exception_that_cannot_be_printed_is_an_output(session):
    source = "class E(Exception):\n    def __str__(self):\n        raise ValueError\nraise E"
    result = session.run_cell(source)
    assert result.status == "error"
    assert "E" in [output["ename"] for output in result.outputs]
    assert session.dead is None


def test_await_works_at_the_top_level(session):
    assert texts(session.run_cell("import asyncio\nawait asyncio.sleep(0)\n'slept'")) == "'slept'"


def test_a_figure_is_a_png(session):
    source = "%matplotlib inline\nimport matplotlib.pyplot as plt\n_ = plt.plot([1, 2])"
    result = session.run_cell(source)
    assert result.status == "ok", result
    (figure,) = result.outputs
    assert base64.b64decode(figure["data"]["image/png"]).startswith(b"\x89PNG")
    assert set(figure["data"]) == {"text/plain", "image/png"}


def test_a_figure_is_shown_without_being_asked_for(fresh):
    """As in a notebook that does not begin with %matplotlib inline."""
    session = fresh()
    session.run_cell("import matplotlib.pyplot as plt")
    (picture,) = session.run_cell("plt.plot([1, 2])\nNone").outputs
    assert "image/png" in picture["data"]
    assert session.run_cell("1").outputs[0]["data"] == {"text/plain": "1"}


def test_javascript_and_svg_are_left_out_and_html_is_cleaned(session):
    result = session.run_cell(
        "from IPython.display import HTML, SVG, Javascript, Markdown, display\n"
        "display(HTML('<script>1</script><b onclick=1>bold</b>'), Javascript('1'),\n"
        "        SVG('<svg></svg>'), Markdown('*x*'))"
    )
    types = [sorted(output["data"]) for output in result.outputs]
    assert types == [
        ["text/html", "text/plain"],
        ["text/plain"],
        ["text/plain"],
        ["text/markdown", "text/plain"],
    ]
    assert result.outputs[0]["data"]["text/html"] == "<b>bold</b>"


def test_clear_output_clears(session):
    source = "from IPython.display import clear_output\nprint('old')\nclear_output()\nprint('new')"
    assert texts(session.run_cell(source)) == "new\n"


def test_standard_input_is_empty(session):
    assert error(session.run_cell("input()"))["ename"] == "EOFError"


def test_the_outputs_make_a_valid_notebook(session):
    outputs = []
    for source in ("print(1)", "1", "1 / 0", "display(2)"):
        outputs += session.run_cell(source).outputs
    cell = nbformat.v4.new_code_cell("x", outputs=[nbformat.from_dict(o) for o in outputs])
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))
    assert len(outputs) == 4


def test_a_source_with_a_broken_character_still_runs(session):
    assert texts(session.run_cell("'\ud800' == '?'")) == "True"


def test_its_own_files_lie_in_the_working_folder(session):
    assert texts(session.run_cell("print(open('data/words.txt').read())")) == "one two\n"
    result = session.run_cell("import os\nsorted(os.listdir()), os.getcwd()")
    assert texts(result) == "(['data'], '/job')"


def test_a_file_of_the_student_does_not_stand_in_for_a_library(fresh):
    session = fresh(files={"numpy.py": b"raise SystemExit", "helper.py": b"x = 5"})
    assert texts(session.run_cell("import numpy, helper\nnumpy.ones(1).sum() + helper.x")) == (
        "np.float64(6.0)"
    )


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "", "a\0b", "a\nb", "x" * 300])
def test_a_file_name_that_leads_elsewhere_is_refused(name):
    with pytest.raises(ValueError, match="file's name"):
        start_session(files={name: b""})


def test_torch_is_not_imported_before_the_student_does():
    with start_session(backend="bwrap") as session:
        source = (
            "import sys\n[m for m in ('torch', 'matplotlib', 'autograder') if m in sys.modules]"
        )
        assert texts(session.run_cell(source)) == "[]"


STUB = """
import sys, types
class Calls:
    def __init__(self, namespace):
        self.namespace = namespace
    def handle(self, header, arrays):
        kept = self.namespace is get_ipython().user_ns
        return {"kept": kept}, [self.namespace[header["f"]](*arrays)]
stub = types.ModuleType("sandbox_inside.calls")
stub.Calls = Calls
sys.modules[stub.__name__] = stub
"""


@pytest.fixture
def callable_session(fresh):
    session = fresh()
    assert session.run_cell(STUB).status == "ok"
    return session


def test_calls_resets_and_refusals(callable_session):
    """One session for several behaviours: starting one takes a third of a second."""
    session = callable_session
    session.run_cell("import numpy as np\ndouble = lambda x: print('noise') or 2 * x")
    header, (array,) = session.request({"f": "double"}, [np.arange(3)])
    assert header == {"kept": True}
    assert array.tolist() == [0, 2, 4]

    # An answer that cannot travel, and a driver that raises, cost that call only.
    session.run_cell("huge = lambda: np.zeros(9 << 20)\nodd = lambda: np.array([object()])")
    for name in ("huge", "odd", "missing"):
        with pytest.raises(CallRefused):
            session.request({"f": name})

    # A call that is too slow is interrupted, and the next one is answered.
    session.run_cell("def slow():\n    while True: pass")
    with pytest.raises(CallTimeout):
        session.request({"f": "slow"}, timeout=0.3)
    assert session.dead is None
    assert session.request({"f": "double"}, [np.ones(1)])[1][0].tolist() == [2.0]

    session.reset()
    assert error(session.run_cell("double"))["ename"] == "NameError"
    with pytest.raises(CallRefused, match="KeyError"):
        session.request({"f": "double"})
    assert session.dead is None
