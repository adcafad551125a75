# `make demo` runs the main job, `make test` the tests; both install what they need into .venv.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CXX_SOURCES := $(shell find cpp tests/cpp -name '*.cc' -o -name '*.h' 2>/dev/null)

.PHONY: help demo test lint format cpp-test clean
help: ## Say what can be made
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

# torch comes first and alone: its CPU build, where the index has one, must not be replaced later.
$(READY): pyproject.toml CMakeLists.txt $(CXX_SOURCES)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing cosearch and what it needs into $(VENV) (the first time takes minutes) ..."
	@$(BIN)/pip install -q --disable-pip-version-check "torch==2.13.0"
	@$(BIN)/pip install -q --disable-pip-version-check -e ".[dev]"
	@touch $@

demo: $(READY) ## Tune one network, build its relative from the database, compare
	@$(BIN)/python examples/demo.py

# Files that take long come first, so that no process is left with one in the end.
SLOW := $(addprefix tests/python/,schedules relay cli nas)
TESTS := $(SLOW) $(filter-out $(SLOW) %/__pycache__,$(patsubst %/,%,$(wildcard tests/python/*/))) \
	$(wildcard tests/python/test_*.py)
test: lint cpp-test ## Lint, C++ tests, Python tests
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(TESTS)

lint: $(READY) ## ruff, mypy, clang-format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check -q . || { echo "run: make format"; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/clang-format --dry-run --Werror $(CXX_SOURCES)

format: $(READY) ## Format the Python and C++ sources
	@$(BIN)/ruff check -q --fix . ; $(BIN)/ruff format -q .
	@$(BIN)/clang-format -i $(CXX_SOURCES)

cpp-test: $(READY) ## C++ unit tests, where GoogleTest is installed
	@bash tests/cpp/run.sh $(BIN)

clean: ## Remove what was built
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache
