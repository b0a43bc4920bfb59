"""How fast scenes are drawn, painted, described and turned into features.

python benchmarks/scenes.py [number of scenes]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from cs231n_utils.data.scene_render import render_scenes
from cs231n_utils.data.scene_sentences import describe_scenes
from cs231n_utils.data.scenes import sample_scenes


def main(num: int = 10_000) -> None:
    """Print the speed of each step, the first time (photographs are read, torch is imported)."""

    def timed(name: str, unit: str, number: int, step: Callable[[], object]) -> object:
        start = time.perf_counter()
        result = step()
        seconds = time.perf_counter() - start
        print(f"{name:10} {seconds:7.2f} s {number / seconds:10,.0f} {unit}/s")
        return result

    def features() -> object:
        from cs231n_utils.encoder import encode_images, load_encoder

        return encode_images(load_encoder(), images)

    scenes = timed("sample", "scenes", num, lambda: sample_scenes(num))
    images = timed("render", "images", num, lambda: render_scenes(scenes))
    timed("describe", "captions", 5 * num, lambda: describe_scenes(scenes))
    timed("encode", "images", num, features)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
