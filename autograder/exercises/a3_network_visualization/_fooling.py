"""How far a picture has to move until a network is fooled: what `make_fooling_image` is held to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

Objective = Callable[[torch.Tensor, int], torch.Tensor]


def _score(scores: torch.Tensor, target: int) -> torch.Tensor:
    return scores[0, target]


def _margin(scores: torch.Tensor, target: int) -> torch.Tensor:
    return scores[0, target] - scores[0, scores.argmax()]


def _likelihood(scores: torch.Tensor, target: int) -> torch.Tensor:
    return -F.cross_entropy(scores, torch.tensor([target]))


# All of them are ways to fool a network; which one is a student's choice.
OBJECTIVES: tuple[Objective, ...] = (_score, _margin, _likelihood)


def walk(
    here: nn.Module, x: np.ndarray, target: int, objective: Objective, most_steps: int
) -> list[float] | None:
    """Return the distances from x, step by step of length 1, until the network sees the target.

    None when that takes too many steps, or when one step more leaves the class again.
    """
    start = now = torch.tensor(x, dtype=torch.float64)
    distances = [0.0]
    for _ in range(most_steps + 1):
        if here(now).argmax() == target:
            # Who stops after one step more must still be there. (The margin has no gradient now.)
            after = _step(here, now, target, _score if objective is _margin else objective)
            return distances if here(after).argmax() == target else None
        now = _step(here, now, target, objective)
        distances.append(float((now - start).norm()))
    return None


def _step(here: nn.Module, x: torch.Tensor, target: int, objective: Objective) -> torch.Tensor:
    x = x.detach().requires_grad_()
    (g,) = torch.autograd.grad(objective(here(x), target), x)
    return x.detach() + g / g.norm()


def place(here: nn.Sequential, x: np.ndarray, target: int, steps: int) -> None:
    """Set the target's own bias so that the last of `steps` steps up its score reaches it.

    Waiting for a network that happens to be fooled after so many steps can take a hundred draws.
    """
    now = torch.tensor(x, dtype=torch.float64)
    margins = []
    for _ in range(steps + 1):
        with torch.no_grad():
            scores = here(now)[0]
            own = scores[target].clone()
            scores[target] = -torch.inf
            margins.append(own - scores.max())
        now = _step(here, now, target, _score)
    with torch.no_grad():
        bias = here[-1].bias
        bias[target] -= (margins[-1] + margins[-2]) / 2
        bias.copy_(bias.float().double())  # so that both copies hold the very same number


def room(
    here: nn.Module, x: np.ndarray, target: int, steps: tuple[int, int] = (3, 20)
) -> float | None:
    """Return how far a fooling image may be from x; None when a way is too short or too long.

    Half as far again as the longest of the ways, and two steps more: one for stopping after the
    step that was not needed, one for rounding.
    """
    farthest = 0.0
    for objective in OBJECTIVES:
        distances = walk(here, x, target, objective, steps[1])
        if distances is None or len(distances) - 1 < steps[0]:
            return None
        farthest = max(farthest, *distances)
    return 1.5 * farthest + 2.0
