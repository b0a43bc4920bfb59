"""The grader: what students never import, and what never runs beside their code."""
