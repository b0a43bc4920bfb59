"""Import torchvision beside a torch that it was not built for.

The registries' torchvision for Linux is built for CUDA. Beside a CPU build of torch its compiled
part cannot be loaded, and the import fails with "operator torchvision::nms does not exist": the
package describes the shapes of that operator's results, and nothing has declared the operator. The
course never calls it (it drops overlapping boxes in object detection), so declaring its name and
types is enough. Models, transforms and utilities are plain Python and work.
"""

import functools
import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

# As torchvision/csrc/ops declares them: boxes (N, 4), scores (N,), a threshold -> kept indices.
SCHEMAS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


def import_torchvision() -> ModuleType:
    """Return the module torchvision, imported with or without its compiled part.

    Call it before any other import of torchvision; afterwards `import torchvision.models` and the
    like work everywhere in the process. Calling it again costs nothing.

    Raises:
        ModuleNotFoundError: torchvision is not installed.
    """
    if "torchvision" not in sys.modules and not _compiled_part_loads():
        _declare_missing_operators()
    import torchvision

    return torchvision


def _compiled_part_loads() -> bool:
    """Say whether torchvision's compiled operators can be had; loads them if so.

    This looks before the import and not at its failure, since a failed import leaves half of the
    package's registrations behind, and a second attempt stumbles over them.
    """
    import torch

    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("torchvision is not installed: pip install torchvision")
    folder = Path(spec.origin).parent
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        library = folder / f"_C{suffix}"
        if library.exists():
            try:
                torch.ops.load_library(str(library))
            except OSError:  # it wants libraries (CUDA's) or symbols that this torch lacks
                return False
            return True
    return False


@functools.cache
def _declare_missing_operators() -> object:
    """Declare those of SCHEMAS that no library has declared; the caller keeps what is returned.

    The declarations live as long as the returned object does, which the cache keeps for good.
    """
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for name, schema in SCHEMAS.items():
        if not _is_declared(name):
            library.define(name + schema)
    return library


def _is_declared(name: str) -> bool:
    """Say whether an operator torchvision::`name` is known to torch."""
    import torch

    return hasattr(torch.ops.torchvision, name)
