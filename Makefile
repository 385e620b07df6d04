# Everything a person runs. `make` alone lists the targets.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Compiled once, here: dbt starts in half the time also where Python may not write bytecode.
UV_INSTALL := $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python

# Where dbt finds its packages; who names another place (as tests and CI do) has them there.
PACKAGES := $(if $(DBT_PACKAGES_PATH),,dbt_packages/.ready)
export DBT_PROFILES_DIR := $(CURDIR)
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup demo sql notebook connect inspect check new-model slim test lint format up down status reset build docs docs-site check-incremental packages trino-up trino-down parity athena \
	engines-ready bench-batch bench-books bench-late bench-storage bench-engines bench-load soak-exit engine-table test-athena test-long lock clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) $(PACKAGES)  ## Make .venv with the locked dependencies, and get the dbt packages

$(READY): requirements-bootstrap.lock requirements-peer.lock requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bootstrap.lock
	$(UV_INSTALL) --require-hashes -r requirements.lock
	$(UV_INSTALL) --require-hashes --no-deps -r requirements-peer.lock
	$(UV_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

# The hub's, or where it can't be reached stand-ins of just the macros that this project uses.
dbt_packages/.ready: packages.yml package-lock.yml $(READY)
	@$(BIN)/python tests/offline_packages/install.py
	@touch $@

demo: setup  ## Sample data through both loaders and dbt, then a report; run it again for the next days
	@$(BIN)/python -m loaders demo

# In an environment of its own: what it needs has no say in the locked dependencies.
.venv-sql/.ready: requirements-sql.lock $(READY)
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-sql
	@$(BIN)/uv pip install --quiet --python .venv-sql/bin/python --require-hashes -r $<
	@touch $@

sql: setup  ## A shell on the lakehouse, which can't write to it; LAKEHOUSE=demo looks at the demo's
	@$(MAKE) --silent .venv-sql/.ready || echo "harlequin can't be installed now: a plain shell"
	@$(BIN)/python -m loaders sql

notebook: setup .venv-sql/.ready  ## Three questions to the lakehouse, in a marimo notebook on loopback
	.venv-sql/bin/marimo --quiet edit --host 127.0.0.1 --skip-update-check notebooks/three_questions.py

connect: setup  ## Print the SQL by which DuckDB elsewhere reads the lakehouse
	@$(BIN)/python -m loaders connect

inspect: setup  ## FILE=path: what would become of the events in a file; nothing is loaded
	@$(BIN)/python -m loaders inspect "$(FILE)"

BASE ?= main
check: setup  ## A change, in seconds: ruff, dbt parse, conventions, sqlfluff on SQL that differs from BASE=main
	@$(BIN)/python scripts/check.py --base "$(BASE)"

new-model: setup  ## NAME=… BY=…: lay out a model, with grain and tests; FOLDER=marts/core, FROM=model
	@$(BIN)/python scripts/new_model.py "$(NAME)" --by "$(BY)" $(if $(FOLDER),--folder "$(FOLDER)") $(if $(FROM),--reads "$(FROM)")

test: setup  ## Linters, pytest, dbt's own tests on lakehouses of their own; `parity` and `test-athena` do the rest
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest

lint: setup  ## ruff and sqlfluff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint --processes 2 models analyses tests/sql

format: setup  ## Let ruff and sqlfluff rewrite
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix models analyses tests/sql

up: setup  ## Start the local lakehouse (loaders and dbt do it by themselves)
	@$(BIN)/python -m loaders lakehouse up

down: setup  ## Stop the local lakehouse; nothing is lost
	@$(BIN)/python -m loaders lakehouse down

status: setup  ## Whether the local lakehouse runs, and where
	@$(BIN)/python -m loaders lakehouse status

reset: setup  ## Start over: remove the local lakehouse's data; asks, unless FORCE=1
	@$(BIN)/python -m loaders lakehouse reset $(if $(filter 1,$(FORCE)),--yes)

slim: setup  ## What a change does to the data, beside BASE=main: built on a sample and compared; REPORT=file.md
	@$(BIN)/python -m slim --base "$(or $(BASE),main)" $(if $(STATE),--state "$(STATE)") $(if $(REPORT),--report "$(REPORT)")

build: setup  ## dbt build
	$(BIN)/dbt build

docs: docs-site  ## The data dictionary as a site, on a free port of loopback; LAKEHOUSE=demo: of the demo's tables
	@$(BIN)/python -u -m http.server 0 --bind 127.0.0.1 --directory $(SITE)

.venv-docs/.ready: docs/site/requirements.lock $(READY)
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-docs
	@$(BIN)/uv pip install --quiet --compile-bytecode --python .venv-docs/bin/python --require-hashes -r $<
	@touch $@

TARGET := $(or $(DBT_TARGET_PATH),target)
SITE := $(TARGET)/site
docs-site: setup .venv-docs/.ready  ## The same as files in target/site, to publish or open as they are
	@rm -rf "$(SITE)"
	@$(BIN)/dbt --quiet docs generate
	@$(BIN)/python docs/site/dictionary.py "$(TARGET)" "$(SITE)"
	@.venv-docs/bin/python docs/site/pages.py "$(SITE)"
	@echo "docs site: $(SITE)/index.html"

check-incremental: setup  ## Does what a model declares hold? MODEL=name: two random batches and a full refresh, compared
	@PYTHONPATH=.:tests/python $(BIN)/python tests/python/check_incremental.py $(MODEL)

packages: $(READY)  ## Try again for the real dbt packages of the hub; HUB=only fails where it can't be reached
	@$(BIN)/python tests/offline_packages/install.py $(if $(filter only,$(HUB)),--hub-only)
	@touch dbt_packages/.ready

$(VENV)/.trino: requirements-trino.lock $(READY)
	$(UV_INSTALL) --require-hashes -r requirements-trino.lock
	@touch $@

trino-up: $(VENV)/.trino  ## Start a Trino server on the local lakehouse, for dbt build --target trino
	@$(BIN)/python -m loaders trino up

trino-down: setup  ## Stop the Trino server; the lakehouse stays up
	@$(BIN)/python -m loaders trino down

parity: $(VENV)/.trino  ## Compare the models of target trino with those of target local, row by row
	$(BIN)/python -m pytest -m "trino and not long"

$(VENV)/.athena: requirements-athena.lock $(READY)
	$(UV_INSTALL) --require-hashes --no-deps -r requirements-athena.lock
	@touch $@

athena: $(VENV)/.athena  ## Install what dbt build --target athena needs

$(VENV)/.athena-endpoint: requirements-athena-endpoint.lock $(READY)
	$(UV_INSTALL) --require-hashes --no-deps \
		-r requirements-athena-endpoint.lock
	@touch $@

bench-batch: setup  ## What a batch costs on 1 and on 10 million events, and a full refresh beside SQL by hand
	PYTHONPATH=tests/python $(BIN)/python benchmarks/batch.py $(BENCH)

bench-books: setup  ## What the books of a year of five-minute loads cost, beside an empty history
	PYTHONPATH=tests/python $(BIN)/python benchmarks/books.py $(BENCH)

bench-late: setup  ## Late events on 300 days, beside as many on one day
	PYTHONPATH=tests/python $(BIN)/python benchmarks/late.py $(BENCH)

bench-storage: setup  ## Files and metadata after 200 small batches with maintenance, beside one big load
	PYTHONPATH=tests/python $(BIN)/python benchmarks/storage.py $(BENCH)

bench-engines: $(VENV)/.trino  ## Time and memory of a full build of a million events on DuckDB and on Trino
	PYTHONPATH=tests/python $(BIN)/python benchmarks/engines.py $(BENCH)

FIGURES := docs/benchmarks.md
RUNS ?= 500
soak-exit: setup  ## Many short dbt runs, half of them on a busy machine: does each end with its exit status?
	PYTHONPATH=tests/python $(BIN)/python benchmarks/soak_exit.py --runs $(RUNS) $(BENCH)

engine-table: setup  ## Write into docs/benchmarks.md what parity and test-athena found last
	$(BIN)/python tests/python/engine_table.py $(FIGURES)

engines-ready: $(VENV)/.trino $(VENV)/.athena-endpoint

test-athena: $(VENV)/.athena-endpoint  ## Target athena on an endpoint for tests, against target local, row by row
	$(BIN)/python -m pytest -m "athena and not long"

test-long: engines-ready  ## All tests on Trino and Athena, also those that CI leaves out: a month at once, all data and unit tests
	$(BIN)/python -m pytest -m "trino or athena or long"

.venv-spark/.ready: benchmarks/requirements-spark.lock $(READY)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-spark
	$(BIN)/uv pip install --quiet --python .venv-spark/bin/python --require-hashes -r $<
	@touch $@

# Each has options: BENCH="--help". BENCH="--write docs/benchmarks.md" puts the figures there.
bench-load: .venv-spark/.ready  ## The loaders' speed beside DuckDB, PySpark and a plain loop
	PYTHONPATH=tests/python $(BIN)/python benchmarks/bench_load.py $(BENCH)

LOCK := $(BIN)/uv pip compile --quiet pyproject.toml --universal --generate-hashes --no-annotate --no-header

lock: $(READY)  ## Write all requirements*.lock but the bootstrap's and the peer's anew from pyproject.toml
	$(LOCK) --extra dev --output-file requirements.lock
	$(LOCK) --extra dev --extra trino --constraint requirements.lock --output-file requirements-trino.lock
	$(LOCK) --extra dev --extra athena --constraint requirements.lock --output-file requirements-athena.lock
	$(LOCK) --extra dev --extra trino --extra athena --extra athena-endpoint --constraint requirements.lock \
		--constraint requirements-trino.lock --constraint requirements-athena.lock \
		--output-file requirements-athena-endpoint.lock
	(echo harlequin; echo marimo; grep -oE '"duckdb==[0-9.]+' pyproject.toml | tr -d '"') | $(BIN)/uv pip compile --quiet - --universal \
		--python-version 3.11 --generate-hashes --no-annotate --no-header --output-file requirements-sql.lock
	$(BIN)/uv pip compile --quiet docs/site/requirements.in --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header --output-file docs/site/requirements.lock

clean:  ## Remove what setup and dbt made; the lakehouse stays
	rm -rf $(VENV) .venv-* benchmarks/.work target logs dbt_packages
