"""import_torchvision works beside any torch. Each import is tried in a process of its own."""

import subprocess
import sys

import pytest


def run(code: str) -> str:
    """Run Python code with warnings as errors in a fresh process; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


# What the compiled part does to the import, whichever build is installed here: it cannot be loaded.
UNLOADABLE = """
import torch
def load_library(path):
    raise OSError(f"{path}: libcudart.so: cannot open shared object file")
torch.ops.load_library = load_library
"""


def test_models_transforms_and_utils_work_after_the_shim():
    printed = run("""
from cs231n_utils.vision import import_torchvision
torchvision = import_torchvision()
assert import_torchvision() is torchvision
import torch
from torchvision import models, utils
from torchvision.transforms import v2
torch.manual_seed(0)
image = torch.rand(1, 3, 64, 64)
model = models.squeezenet1_1(weights=None).eval()
print(tuple(model(v2.functional.horizontal_flip(image)).shape), utils.make_grid(image).shape[0])
""")
    assert printed == "(1, 1000) 3\n"


def test_a_compiled_part_that_cannot_be_loaded_does_not_stop_the_import():
    printed = run(
        UNLOADABLE
        + """
from cs231n_utils.vision import import_torchvision
print(import_torchvision().models.resnet18.__name__)
"""
    )
    assert printed == "resnet18\n"


def test_without_the_shim_the_import_fails_for_the_reason_that_the_shim_cures():
    printed = run(
        UNLOADABLE
        + """
try:
    import torchvision
except RuntimeError as error:
    print(error)
"""
    )
    assert printed == "operator torchvision::nms does not exist\n", (
        "this torchvision imports without its operators: cs231n_utils/vision.py may go"
    )


def test_operators_that_a_library_has_declared_are_left_to_it():
    printed = run("""
import torch
library = torch.library.Library("torchvision", "DEF")  # stands for a compiled part that loaded
library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from cs231n_utils import vision
vision._declare_missing_operators()  # declaring nms again would raise
print(vision._is_declared("nms"), vision._is_declared("qnms"))
""")
    assert printed == "True True\n"


def test_a_missing_torchvision_is_said_with_what_to_type(monkeypatch: pytest.MonkeyPatch):
    from cs231n_utils import vision

    monkeypatch.setattr(vision.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install torchvision"):
        vision._compiled_part_loads()
