# Two commands on a fresh clone: `make demo` and `make test`. Both set up .venv themselves, from PyPI alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKSPACE ?= workspace-demo

.PHONY: demo test test-all lint types setup constraints clean
.DELETE_ON_ERROR:

demo: $(READY)  ## set up, then turn the demo match into statistics
	$(BIN)/cleansheet demo --workspace $(WORKSPACE)

test: $(READY)  ## set up, then run the tests (minutes on 2 cores)
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile

test-all: $(READY)  ## also the slow tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(READY)
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

setup: $(READY)

# uv installs the same packages as pip in a quarter of the time; it comes from PyPI like everything else.
$(READY): pyproject.toml constraints.txt
	@echo "== setting up $(VENV) (a few minutes the first time: PyTorch is large)"
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "Python 3.11, 3.12 or 3.13 is needed; name one with: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.6"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable ".[dev]"
	@touch $@
	@echo "== $(VENV) is ready"

constraints:  ## renew the versions that the tests run with
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate \
	  --extra dev pyproject.toml --output-file constraints.txt

clean:
	rm -rf $(VENV) $(WORKSPACE) build dist .pytest_cache .mypy_cache .ruff_cache
