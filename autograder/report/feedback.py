"""nbgrader's feedback page with a summary on top that names the exercises."""

from __future__ import annotations

from pathlib import Path

import nbgrader.server_extensions.formgrader as formgrader
from nbconvert.exporters import HTMLExporter
from traitlets import default
from traitlets.config import Config

TEMPLATE = "course_feedback"


class FeedbackExporter(HTMLExporter):
    """The page that a student gets: templates/course_feedback, which extends nbgrader's."""

    @property
    def default_config(self) -> Config:
        """nbconvert's settings, with our template; nbgrader's own stays for its formgrader."""
        # GenerateFeedback names its template in HTMLExporter's section; this class's comes after.
        own = Path(__file__).parent / "templates"
        nbgraders = Path(formgrader.__file__).parent
        styles = nbgraders / "static" / "node_modules" / "bootstrap" / "dist" / "css"
        templates = nbgraders / "templates"
        config = Config()
        config.FeedbackExporter.template_name = TEMPLATE
        config.FeedbackExporter.extra_template_basedirs = [str(own), str(templates)]
        config.FeedbackExporter.extra_template_paths = [str(templates), str(styles)]
        config.merge(super().default_config)
        return config

    @default("template_name")
    def _template_name_default(self) -> str:
        return TEMPLATE
