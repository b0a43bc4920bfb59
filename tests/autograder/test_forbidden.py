# ruff: noqa: E501  (small programs, one a line)
"""What an exercise forbids is found where its answer uses it, and nowhere else."""

import sys
from types import ModuleType

import numpy as np
import pytest

from autograder.exercise import Exercise, ExerciseError, Shortcut, check_exercise
from autograder.forbidden import find_forbidden
from autograder.student import Local, Student
from cs231n_utils.driving import Guard

ATTENTION = ("torch.nn.functional.scaled_dot_product_attention", "torch.nn.Transformer*")


def found(*cells, forbids=("torch",), others=()):
    return find_forbidden(forbids, cells, ["f"], others)


USED = {
    "by its name": ["import torch\ndef f(x):\n    return torch.tanh(x)"],
    "under another name": ["import torch as np", "def f(x):\n    return np.tanh(x)"],
    "imported inside": ["def f(x):\n    import torch as t\n    return t.tanh(x)"],
    "one function of it": ["from torch import tanh as g", "def f(x):\n    return g(x)"],
    "all of it": ["from torch import *", "def f(x):\n    return tanh(x)"],
    "a module below it": ["import torch.nn.functional as F", "def f(x):\n    return F.relu(x)"],
    "an alias at top level": ["import torch\nlib = torch", "def f(x):\n    return lib.tanh(x)"],
    "an alias in a try": [
        "try:\n    import torch as t\nexcept ImportError:\n    t = None",
        "def f(x):\n    return t.tanh(x)",
    ],
    "in a helper": ["import torch", "def g(x):\n    return torch.tanh(x)", "def f(x):\n    return g(x)"],
    "in a helper class": [
        "import torch",
        "class G:\n    def run(self, x):\n        return torch.tanh(x)",
        "def f(x):\n    return G().run(x)",
    ],
    "an alias inside": ["import torch.nn as nn", "def f(x):\n    lib = nn\n    return lib.ReLU()(x)"],
    "by __import__": ["def f(x):\n    return __import__('torch').tanh(x)"],
    "by import_module": [
        "import importlib",
        "def f(x):\n    return importlib.import_module('torch').tanh(x)",
    ],
    "in sys.modules": ["import sys", "def f(x):\n    return sys.modules['torch'].tanh(x)"],
    "in a text that is run": ["def f(x):\n    return eval('torch.tanh(x)')"],
    "in letters that mean the same": ["import \uff54orch as t", "def f(x):\n    return t.tanh(x)"],
    "in a text with escapes": [r"def f(x):" "\n" r"    return __import__('\x74orch').tanh(x)"],
    "below what was imported": ["import cs231n_utils.gradient_check as c", "def f(x):\n    return c.g(x)"],
    "in a decorator": ["import torch", "@torch.no_grad()\ndef f(x):\n    return x"],
    "in a method that is added": ["import torch", "@add_to(C)\ndef f(self):\n    torch.ones(1)"],
    "in a method": ["import torch", "class C:\n    def f(self):\n        return torch.ones(1)"],
}  # fmt: skip


@pytest.mark.parametrize("cells", USED.values(), ids=USED)
def test_a_forbidden_name_that_the_answer_uses_is_found(cells):
    assert found(*cells, forbids=("torch", "cs231n_utils.gradient_check"))


NOT_USED = {
    "imported only": ["import torch", "def f(x):\n    import torch\n    return x"],
    "in a demonstration": ["import torch", "def f(x):\n    return x\nprint(torch.tanh(f(1)))"],
    "in a demonstration's function": ["import torch", "def test():\n    torch.ones(1)", "def f(x):\n    return x"],
    "in another exercise's function": ["import torch", "def g(x):\n    return torch.tanh(x)", "def f(x):\n    return g(x)"],
    "in an earlier attempt": ["import torch", "def f(x):\n    return torch.tanh(x)", "def f(x):\n    return x"],
    "in a docstring": ["def f(x):\n    'torch would do it'\n    return x"],
    "in a docstring alone": ["def f(x):\n    'torch'\n    return x"],
    "in a message": ["def f(x):\n    raise ValueError('no torch here')"],
    "as a type": ["import torch", "def f(x: torch.Tensor) -> torch.Tensor:\n    y: torch.Tensor = x\n    return y"],
    "to ask for a type": ["import torch", "def f(x):\n    return x if isinstance(x, torch.Tensor) else 2"],
    "as a name of its own": ["def f(torch):\n    return torch + 1"],
    "as a variable": ["import torch as t", "def f(x):\n    for t in x:\n        t.sum()"],
    "as an argument": ["import torch as t", "def f(x, t):\n    return t.sum()"],
    "as a longer name": ["import torchlight", "def f(x):\n    return torchlight.on(x)"],
    "in a cell that does not parse": ["import torch\ndef f(x:\n    torch.ones(1)"],
}  # fmt: skip


@pytest.mark.parametrize("cells", NOT_USED.values(), ids=NOT_USED)
def test_a_forbidden_name_that_the_answer_does_not_use_is_no_matter(cells):
    assert found(*cells, others=["g"]) is None


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("F.scaled_dot_product_attention(x, x, x)", "torch.nn.functional.scaled_dot_product_attention"),
        ("getattr(F, 'scaled_dot_product_attention')(x, x, x)", "scaled_dot_product_attention"),
        ("torch._C._nn.scaled_dot_product_attention(x, x, x)", "torch._C._nn.scaled_dot_product_attention"),
        ("nn.TransformerEncoderLayer(4, 2)(x)", "torch.nn.TransformerEncoderLayer"),
        ("torch.nn.modules.transformer.TransformerEncoder(x)", "torch.nn.modules.transformer.TransformerEncoder"),
        ("(lib := F).scaled_dot_product_attention(x, x, x)", None),  # for the second net
        ("nn.Linear(4, 2)(F.softmax(x, 1))", None),
        ("TransformerEncoderLayer(4, 2)(x)", None),
    ],
)  # fmt: skip
def test_part_of_a_library_may_be_forbidden(code, name):
    given = "import torch\nfrom torch import nn\nimport torch.nn.functional as F"
    own = "class TransformerEncoderLayer(nn.Module):\n    pass"
    assert found(given, own, f"def f(x):\n    return {code}", forbids=ATTENTION) == name


@pytest.mark.parametrize("cell", ["(" * 5000, "-" * 50_000 + "1", "x = " + "a." * 9000 + "b", "\0"])
def test_a_cell_made_to_trip_the_reader_is_no_trouble(cell):
    assert found(cell, f"def f(x):\n    return {cell}") is None


@pytest.fixture
def library(monkeypatch):
    made = ModuleType("library")
    made.shortcut = made.other = lambda: np.ones(2)
    monkeypatch.setitem(sys.modules, "library", made)
    return made


def test_the_second_net_catches_a_call_that_the_source_hides(library):
    student = Student(Local({"f": lambda: getattr(sys.modules["lib" + "rary"], "short" + "cut")()}))
    student.forbid(["library.short*"])
    with pytest.raises(Exception, match="NotAllowed"):
        student.f()
    assert library.other().sum() == 2
    student.forbid([])
    assert student.f().sum() == 2


def test_a_library_as_a_whole_is_guarded_at_its_doors(library, monkeypatch):
    monkeypatch.setattr(Guard, "DOORS", {"library": ("shortcut",)})
    guard = Guard()
    guard.forbid(["library", "never_imported"])
    with pytest.raises(RuntimeError, match=r"library\.shortcut is not allowed here"):
        library.shortcut()
    guard.forbid([])
    assert library.shortcut().sum() == 2


def test_a_rule_without_an_answer_that_breaks_it_is_refused():
    made = Exercise(points=1, name="e", forbids=["torch"])
    made.case("one", public=True)(lambda student, rng: None)
    with pytest.raises(ExerciseError, match="must show a shortcut"):
        check_exercise(made)
    made.shortcuts = [Shortcut("torch", ("a", "b"))]
    assert check_exercise(made) is made
