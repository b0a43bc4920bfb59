# Every line below can be typed by hand, in a shell that has run: source .venv/bin/activate
# That is what the next line does for make; nbgrader looks for its helper programs on the PATH.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup demo release prove test lab site newcomer format clean

help:  ## list these commands
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## */\t/' | expand -t 10

setup: .venv/installed  ## make .venv, install the course into it, and bubblewrap for grading
	tools/bubblewrap.sh

# A stamp: made again only when what is to be installed has changed.
.venv/installed: pyproject.toml tools/make_venv.sh
	tools/make_venv.sh
	touch .venv/installed

demo: setup  ## grade a sample class and show its gradebook
	.venv/bin/python -m autograder demo

release: setup  ## write assignments/ from solutions/
	.venv/bin/python -m autograder release

prove: setup  ## show that solutions score full marks and known mistakes do not
	.venv/bin/python -m autograder prove

# Several threads that wait for each other on two busy cores take many times as long as one.
test: export OMP_NUM_THREADS = 1
test: setup  ## all that CI checks
	tools/chromium.sh
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m ruff check .
	.venv/bin/python -m nbstripout --verify --keep-id solutions/*/*.ipynb
	.venv/bin/python -m pytest --numprocesses=2 --dist=loadfile tests
	.venv/bin/python -m pytest --nbval-lax --nbval-current-env --nbval-cell-timeout=600 \
	    --numprocesses=2 --dist=loadfile solutions
	.venv/bin/python -m autograder release --check
	.venv/bin/python -m autograder prove --mutate --seed 231

lab: .venv/installed  ## open the assignments in JupyterLab
	.venv/bin/python -m jupyterlab --LabApp.default_url=/lab/tree/assignments $(LAB_OPTIONS)

site: .venv/installed  ## run all notebooks and write the course's site to build/site
	.venv/bin/python tools/site/build.py

newcomer:  ## do in an empty folder what README tells a newcomer, and time it
	"$$(tools/find_python.sh)" tools/newcomer/run.py

format: .venv/installed  ## put code and notebooks into the form that `make test` asks for
	.venv/bin/python -m ruff format .
	.venv/bin/python -m ruff check --fix .
	.venv/bin/python -m nbstripout --keep-id solutions/*/*.ipynb

clean:  ## remove .venv and caches; a class's submissions and marks stay
	rm -rf .venv build *.egg-info .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
