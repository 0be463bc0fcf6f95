# The same steps as .ci/run, one by one. `make` runs them all.
PYTHON ?= .venv/bin/python

.PHONY: all help spark format lint types imports messages names docs docs-fresh test test-nightly golden wheel fuzz privacy packages sbom reproducible

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
	$(PYTHON) -m pytest -q -n auto --dist loadfile

test-nightly:  ## all tests, with twenty times as many examples of each property
	HYPOTHESIS_PROFILE=nightly $(PYTHON) -m pytest -q -n auto --dist loadfile

golden:  ## accept the present checkup of tests/stores/small as the golden one
	$(PYTHON) -m pytest -q tests/test_golden.py tests/test_rule_examples.py --rebaseline

wheel:  ## build the wheel
	$(PYTHON) -m build --wheel

fuzz:  ## damage files, settings and state at random, for some minutes
	$(PYTHON) scripts/fuzz.py --seed $${SEED:-1}

privacy:  ## measure how many personal values are found, and write it into docs/personal-data.md
	$(PYTHON) scripts/measure_privacy.py --write

packages:  ## write constraints/ and docs/licences.md from a plain install in a new environment
	rm -rf build/plain && $(PYTHON) -m venv build/plain && build/plain/bin/pip install -q .
	build/plain/bin/python scripts/list_packages.py

sbom: packages  ## write build/sbom.json (CycloneDX) of a plain install
	$(PYTHON) -m cyclonedx_py environment --pyproject pyproject.toml --output-reproducible -o build/sbom.json build/plain

reproducible:  ## build the wheel and the sdist twice, and compare them byte by byte
	rm -rf build/once build/twice
	SOURCE_DATE_EPOCH=1767225600 $(PYTHON) -m build -q --outdir build/once .
	SOURCE_DATE_EPOCH=1767225600 $(PYTHON) -m build -q --outdir build/twice .
	cd build/once && for file in *; do cmp "$$file" "../twice/$$file" || exit 1; done

spark:  ## a fleet of six stores on local Spark, in an environment of its own; needs Java 17
	$(PYTHON) -m venv build/spark
	build/spark/bin/python -m pip install --quiet . "pyspark>=4" "pyarrow>=15" "fsspec>=2026.9" "setuptools"
	build/spark/bin/python benchmarks/make_fleet.py build/spark/stores --stores 6 --most 50
	PYSPARK_PYTHON=$(CURDIR)/build/spark/bin/python build/spark/bin/python benchmarks/spark_fleet.py build/spark/stores file://$(CURDIR)/build/spark/states
