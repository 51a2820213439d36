# Two commands: `make demo` and `make test`. Both stand on `make setup`.
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(shell for name in python3 python3.12 python3.13 python3.11; do \
	$$name -c '$(SUPPORTED)' 2>/dev/null && echo $$name && break; done)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-fast setup bench format lock clean

demo: setup
	$(BIN)/tidemark demo

test: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

# The way of working: what runs no pipeline, in two minutes.
test-fast: setup
	$(BIN)/python -m pytest -n 3 --dist loadfile -m "not slow"

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" && $(PYTHON) -c '$(SUPPORTED)' \
	  || { echo "tidemark needs Python 3.11, 3.12 or 3.13: say which with make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	# The lock is its own constraint: else pip asks for the newest of what a package wants with an extra.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock -c requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

bench: setup .venv-bench/.ready
	$(BIN)/python benchmarks/run.py

# What tidemark is measured against lives in an environment of its own and shares nothing with ours.
.venv-bench/.ready: benchmarks/requirements.lock
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Versions and hashes only, for every supported Python; needs uv.
lock:
	uv pip compile --no-config --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header --group dev pyproject.toml --output-file requirements.lock

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
