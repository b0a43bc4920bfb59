"""Real photographs for backgrounds, read from the wheels that the course already installs.

Nothing is downloaded: scikit-image and scikit-learn ship these files inside their wheels. Source
and licence of each photograph are listed in datasets/README.md.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

SIDE = 76  # pixels of a photograph's shorter side; a scene takes a 64 x 64 window of it


class PhotographMissing(FileNotFoundError):
    """A photograph that should be inside an installed wheel is not there."""


@dataclass(frozen=True)
class Photograph:
    """One photograph inside a wheel.

    words: how a caption names it, with its article ("a cat").
    package: the importable package whose folder holds it. path: the file inside that folder.
    tint: RGB factors for a black-and-white photograph, so that grass is green.
    """

    words: str
    package: str
    path: str
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)


PHOTOGRAPHS = (
    Photograph("an astronaut", "skimage", "data/astronaut.png"),
    Photograph("a cat", "skimage", "data/chelsea.png"),
    Photograph("a cup of coffee", "skimage", "data/coffee.png"),
    Photograph("a rocket", "skimage", "data/rocket.jpg"),
    Photograph("a motorcycle", "skimage", "data/motorcycle_left.png"),
    Photograph("the stars", "skimage", "data/hubble_deep_field.jpg"),
    Photograph("a brick wall", "skimage", "data/brick.png", tint=(1.25, 0.85, 0.72)),
    Photograph("the grass", "skimage", "data/grass.png", tint=(0.75, 1.2, 0.5)),
    Photograph("some stones", "skimage", "data/gravel.png"),
    Photograph("some coins", "skimage", "data/coins.png"),
    Photograph("a man with a camera", "skimage", "data/camera.png"),
    Photograph("a temple", "sklearn", "datasets/images/china.jpg"),
    Photograph("a flower", "sklearn", "datasets/images/flower.jpg"),
)


def photograph_path(photograph: Photograph) -> Path:
    """Return where the installed wheel keeps a photograph, without importing the package.

    Raises PhotographMissing, naming the package to install, when it is not there.
    """
    distribution = {"skimage": "scikit-image", "sklearn": "scikit-learn"}[photograph.package]
    spec = importlib.util.find_spec(photograph.package)
    if spec is None or not spec.submodule_search_locations:
        raise PhotographMissing(
            f"The scenes use a photograph that comes with {distribution}, which is not installed. "
            f"Install it with: pip install {distribution}"
        )
    path = Path(spec.submodule_search_locations[0]) / photograph.path
    if not path.is_file():
        raise PhotographMissing(
            f"{distribution} is installed, but {photograph.path} is not inside it. "
            f"Install it again with: pip install --force-reinstall {distribution}"
        )
    return path


@cache
def read_photograph(photograph: Photograph) -> Image.Image:
    """Return a photograph at its full size in RGB, without its tint. Not to be changed."""
    from PIL import Image

    with Image.open(photograph_path(photograph)) as opened:
        return opened.convert("RGB")


@cache
def load_photograph(index: int) -> np.ndarray:
    """Return photograph `index` of PHOTOGRAPHS, its shorter side SIDE pixels: uint8 (h, w, 3)."""
    from PIL import Image

    photograph = PHOTOGRAPHS[index]
    image = read_photograph(photograph)
    scale = SIDE / min(image.size)
    width, height = (max(SIDE, round(side * scale)) for side in image.size)
    small = np.asarray(image.resize((width, height), Image.Resampling.BOX), dtype=np.float32)
    small = np.clip(small * np.array(photograph.tint, dtype=np.float32), 0, 255).astype(np.uint8)
    small.flags.writeable = False
    return small
