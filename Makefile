# The same steps as .ci/run, one by one. `make` runs them all.
PYTHON ?= .venv/bin/python

.PHONY: all help spark format lint types imports messages names docs docs-fresh test test-nightly golden wheel

all: lint types imports messages names docs-fresh test  ## everything CI checks, but the wheel

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/  —/'

format:  ## put the code into shape
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

lint:  ## style and common mistakes
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types:  ## mypy, strict
	$(PYTHON) -m mypy

imports:  ## imports run one way
	$(PYTHON) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"

messages:  ## every message is in every language, and every text is used
	$(PYTHON) scripts/check_messages.py --check

names:  ## readability by syntax tree: names, duplicate classes, parameters, tiers, files
	$(PYTHON) scripts/measure_code.py --check

docs:  ## write the generated pages anew
	$(PYTHON) scripts/make_docs.py

docs-fresh:  ## fail when a generated page is stale
	$(PYTHON) scripts/make_docs.py --check

test:  ## all tests
	$(PYTHON) -m pytest -q -n auto --dist loadgroup

test-nightly:  ## all tests, with twenty times as many examples of each property
	HYPOTHESIS_PROFILE=nightly $(PYTHON) -m pytest -q -n auto --dist loadgroup

golden:  ## accept the present checkup of tests/stores/small as the golden one
	$(PYTHON) -m pytest -q tests/test_golden.py tests/test_rule_examples.py --rebaseline

wheel:  ## build the wheel
	$(PYTHON) -m build --wheel

spark:  ## a fleet of six stores on local Spark, in an environment of its own; needs Java 17
	$(PYTHON) -m venv build/spark
	build/spark/bin/python -m pip install --quiet . "pyspark>=4" "pyarrow>=15" "fsspec>=2026.9" "setuptools"
	build/spark/bin/python benchmarks/make_fleet.py build/spark/stores --stores 6 --most 50
	PYSPARK_PYTHON=$(CURDIR)/build/spark/bin/python build/spark/bin/python benchmarks/spark_fleet.py build/spark/stores file://$(CURDIR)/build/spark/states
