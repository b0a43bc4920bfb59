"""What nbgrader's gradebook says about one submission, as data."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field


@dataclass
class Standing:
    """What the gradebook says about one submission: by cell, and in all."""

    scores: dict[str, float] = field(default_factory=dict)
    max_scores: dict[str, float] = field(default_factory=dict)
    marked: dict[str, bool] = field(default_factory=dict)
    needs_manual: list[str] = field(default_factory=list)
    comments: dict[str, str | None] = field(default_factory=dict)
    score: float = 0.0
    late_penalty: float | None = None

    @property
    def max_score(self) -> float:
        """The points of the notebook."""
        return sum(self.max_scores.values())

    def as_json(self) -> str:
        """The same standing is the same text."""
        return json.dumps(asdict(self), sort_keys=True)
