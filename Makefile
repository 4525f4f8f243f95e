# Everything a developer runs. `make` alone lists it.
#
# Settings, e.g. `make test PYTHON=python3.13 WORKERS=4`:
PYTHON ?= python3
WORKERS ?= 2
PYTEST_ARGS ?=
SEED ?= 1
CHAOS_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench peers chaos serve clean

help: ## list the targets
	@grep -E '^[a-z]+: .*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+): .*## /  make \1\t/' | expand -t 16

setup: ## make .venv and install Detent, its SDK and the test tools (does nothing when they are installed)
	@bash .ci/setup "$(PYTHON)" "$(VENV)" "$(STAMP)"

demo: setup ## run the main example: an order that survives a kill -9 (15 seconds)
	@$(BIN)/detent demo

test: setup ## check the style and the types, then run every test
	@$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

check: setup ## check style, types and import rules only (a few seconds)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy -p detent
	$(BIN)/lint-imports

bench: setup ## answer the questions in bench/, one after the other
	@for question in $(wildcard bench/[a-z]*.py); do echo "== $$question"; $(BIN)/python "$$question"; done

peers: setup ## install DBOS, Restate and LocalStack into .peers, for `python -m bench.peers`
	@bash bench/peers/setup "$(PYTHON)"

chaos: setup ## 10,000 executions under 200 kills and other faults, and a verdict (12 minutes; SEED=2 for others)
	@$(BIN)/python -m tests.chaos.workflows --seed $(SEED) $(CHAOS_ARGS)

serve: setup ## run API, engine and an embedded Redis on http://127.0.0.1:8083
	@$(BIN)/detent serve

clean: ## remove .venv, caches and build leftovers; keeps .detent (your data)
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
