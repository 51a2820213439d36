# Two commands: `make demo` and `make test`. Both stand on `make setup`.
PYTHON ?= $(shell for version in 3.12 3.13 3.11; do command -v python$$version && break; done || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test setup bench format lock clean

demo: setup
	$(BIN)/tidemark demo

test: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadgroup

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))" \
	  || { echo "tidemark needs Python 3.11, 3.12 or 3.13; say which with make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

bench: setup
	$(BIN)/python benchmarks/run.py

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Versions and hashes only, for every supported Python; needs uv.
lock:
	uv pip compile --no-config --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header --group dev pyproject.toml --output-file requirements.lock

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
