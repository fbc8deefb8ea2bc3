# Every target makes its own virtual environment from the lock files, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
ARGS ?=
PROCESSES ?= 2
TEST = $(BIN)/python -m pytest -n $(PROCESSES) --dist loadgroup --no-loadscope-reorder
MINUTES ?= 10
SEED ?= 0

.DEFAULT_GOAL := help
.PHONY: help run test test-fast soak coverage check bench gpu-check backup restore examples lock

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run ## Serve the web app and its worker (SIGHTLINE_PORT=8000, see docs/settings.md)
	@exec $(BIN)/python -m app

test: $(VENV)/.dev ## Run the tests, PROCESSES=2 at once; ARGS="-k name" picks some
	@$(TEST) $(ARGS)

test-fast: $(VENV)/.dev ## Run the units that start nothing, in under a minute
	@$(TEST) -m "not slow" tests/core tests/docs tests/ml $(ARGS)

soak: $(VENV)/.dev ## Kills, full disks, fuzzing and long runs for MINUTES=10; SEED=0 starts the rounds
	@$(BIN)/python -m pytest tests/soak --minutes $(MINUTES) --seed $(SEED) $(ARGS)

coverage: $(VENV)/.dev ## Run the tests and report the branches that they cover
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m $(subst $(BIN)/python -m ,,$(TEST)) $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

check: $(VENV)/.dev ## Lint, format, types, and who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --diff .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.bench ## Time it against its baselines and write docs/benchmarks.md
	@$(BIN)/python -m bench $(ARGS)

PACK ?= /tmp/sightline-gpu.tar
gpu-check: $(VENV)/.dev ## On a GPU: compare its maps with the CPU's and time it; PACK=FILE, or DATA=FOLDER
	@test -f $(PACK) || $(BIN)/python -m bench.gpu pack "$(DATA)" $(PACK)
	@$(BIN)/python -m bench.gpu check $(PACK) $(ARGS); status=$$?; \
		$(BIN)/python -m bench.gpu page; exit $$status

backup: $(VENV)/.run ## Copy all data of a server, also a running one, into the folder TO=
	@$(BIN)/python -m app backup "$(TO)"

restore: $(VENV)/.run ## Give a server without data those of the backup FROM=
	@$(BIN)/python -m app restore "$(FROM)"

examples: $(VENV)/.run ## Draw the example pictures of the home page again, and the maps that it shows
	@$(BIN)/python -m tools.examples
	@$(BIN)/python -m tools.home_picture

lock: $(VENV)/.dev ## Write the lock files from what this environment holds
	@$(BIN)/python tools/lock.py

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sightline needs Python 3.11 or newer; set PYTHON=python3.x")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock constraints.lock | $(BIN)/python
	@echo "Installing what Sightline needs into $(VENV) (once; several minutes with a new cache) ..."
	@$(PIP) install --quiet -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@$(PIP) install --quiet -r requirements-dev.lock
	@touch $@

$(VENV)/.bench: requirements-bench.lock $(VENV)/.dev
	@$(PIP) install --quiet -r requirements-bench.lock
	@touch $@
