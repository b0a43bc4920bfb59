"""`python -m sandbox_inside CONFIG`: run one student's cells (see runner.py)."""

import sys

from .runner import main

main(sys.argv[1])
