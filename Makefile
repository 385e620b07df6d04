# Everything a person runs. `make` alone lists the targets.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# The package hub is not reachable from every network: DBT_PACKAGES_PATH=dbt_packages uses the real packages
# (after `make packages`), the default the stand-ins of just the macros that this project uses.
export DBT_PACKAGES_PATH ?= tests/offline_packages
export DBT_PROFILES_DIR := $(CURDIR)
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup demo test lint format up down status build docs packages trino-up trino-down parity lock clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## Make .venv with the locked dependencies

$(READY): requirements-bootstrap.lock requirements-peer.lock requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bootstrap.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r requirements-peer.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## Sample data through both loaders and dbt, then a report; run it again for the next days
	@$(BIN)/python -m loaders demo

test: setup  ## All tests: linters, pytest, dbt's own tests on lakehouses of their own
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest

lint: setup  ## ruff and sqlfluff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint --processes 2 models tests/sql

format: setup  ## Let ruff and sqlfluff rewrite
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix models tests/sql

up: setup  ## Start the local lakehouse (loaders and dbt do it by themselves)
	@$(BIN)/python -m loaders lakehouse up

down: setup  ## Stop the local lakehouse; nothing is lost
	@$(BIN)/python -m loaders lakehouse down

status: setup  ## Whether the local lakehouse runs, and where
	@$(BIN)/python -m loaders lakehouse status

build: setup  ## dbt build
	$(BIN)/dbt build

docs: setup  ## The data dictionary as a site
	$(BIN)/dbt docs generate
	$(BIN)/dbt docs serve --host 127.0.0.1

packages: setup  ## Install the real dbt packages from the hub into dbt_packages
	DBT_PACKAGES_PATH=dbt_packages $(BIN)/dbt deps

$(VENV)/.trino: requirements-trino.lock $(READY)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-trino.lock
	@touch $@

trino-up: $(VENV)/.trino  ## Start a Trino server on the local lakehouse, for dbt build --target trino
	@$(BIN)/python -m loaders trino up

trino-down: setup  ## Stop the Trino server; the lakehouse stays up
	@$(BIN)/python -m loaders trino down

parity: $(VENV)/.trino  ## Compare the models of target trino with those of target local, row by row
	$(BIN)/python -m pytest tests/python/test_parity.py

lock: setup  ## Write requirements.lock and requirements-trino.lock anew from pyproject.toml
	$(BIN)/uv pip compile --quiet pyproject.toml --extra dev --universal --generate-hashes --no-annotate \
		--no-header --output-file requirements.lock
	$(BIN)/uv pip compile --quiet pyproject.toml --extra dev --extra trino --universal --generate-hashes \
		--no-annotate --no-header --constraint requirements.lock --output-file requirements-trino.lock

clean:  ## Remove what setup and dbt made; the lakehouse stays
	rm -rf $(VENV) target logs dbt_packages
