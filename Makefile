# Landfall. `make help` lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
UV_VERSION := 0.13.9
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header
# The caller may name an interpreter: make install PYTHON=/opt/python3.12/bin/python3
PYTHON ?=

.PHONY: help install demo up down status test lint bench docs requirements clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-14s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.runtime ## make the Python environment in .venv (nothing to do when it is current)
	@:

demo: install ## run the workflows end to end on the local stack
	@$(BIN)/landfall demo

up: install ## start the local stack
	@$(BIN)/landfall up

down: ## stop the local stack; no process and no port stays
	@if [ -x $(BIN)/landfall ]; then $(BIN)/landfall down; else echo "Nothing is installed, so nothing runs."; fi

status: install ## say what runs and where
	@$(BIN)/landfall status

test: $(VENV)/.dev ## run all tests on two workers, the longest files first
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.dev ## style, types, import directions, generated docs, compose file
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m landfall.dag_docs --check
	@if docker compose version >/dev/null 2>&1; then \
		filled=$$(mktemp); trap 'rm -f "$$filled"' EXIT; sed 's/=$$/=check/' env.template > "$$filled"; \
		docker compose --env-file "$$filled" config --quiet; echo "docker-compose.yaml is valid"; \
	else \
		echo "docker compose is not installed: docker-compose.yaml is checked by the tests only"; \
	fi

bench: $(VENV)/.dev ## run the benchmarks, each beside its naive way
	@$(BIN)/landfall bench

docs: install ## write the generated pages of docs/ anew
	$(BIN)/python -m landfall.dag_docs
	$(BIN)/python -m include.discovery.describe

requirements: $(VENV)/.uv ## compile requirements.txt and requirements-dev.txt anew from the .in files
	$(COMPILE) --upgrade requirements.in --output-file requirements.txt
	$(COMPILE) --upgrade requirements-dev.in --output-file requirements-dev.txt

clean: down ## stop the stack, then remove .venv, .landfall and caches
	rm -rf $(VENV) .landfall build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# Stamps: a target below is made again only when what it depends on is newer.

$(VENV)/.uv:
	@python=""; \
	for candidate in $(or $(PYTHON),python3 python3.11 python3.12 python3.13); do \
		if "$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
			python="$$candidate"; break; \
		fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Landfall needs Python 3.11, 3.12 or 3.13, and $(or $(PYTHON),python3) is none of them:" \
			"install one, then run 'make install PYTHON=/path/to/python3'." >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$python cannot make environments: install its venv module" \
			"(Debian and Ubuntu: apt-get install python3-venv), then run make again." >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$($$python --version)"; \
	"$$python" -m venv $(VENV); \
	if ! $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); then \
		echo "uv $(UV_VERSION) could not be installed from the package index:" \
			"check the network and pip's settings, then run make again." >&2; exit 1; \
	fi; \
	touch $@

$(VENV)/.runtime: $(VENV)/.uv requirements.txt pyproject.toml
	@echo "Installing the pinned packages (the first time takes a few minutes)"
	@$(UV) pip sync --python $(BIN)/python --quiet --compile-bytecode --require-hashes \
		requirements.txt $(if $(wildcard $(VENV)/.dev),requirements-dev.txt)
	@$(UV) pip install --python $(BIN)/python --quiet --no-deps --editable .
	@touch $@ $(wildcard $(VENV)/.dev)

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.txt
	@echo "Installing what tests and checks need"
	@$(UV) pip install --python $(BIN)/python --quiet --compile-bytecode --require-hashes --requirement requirements-dev.txt
	@touch $@
