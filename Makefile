# make: the environment, then the whole default experiment. make test: the environment, then the tests, less those
# that take minutes; make test-slow: those.
PYTHON ?= python3.11
CORES ?= all
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test test-slow lint lock clean

run: $(VENV)/runs
	$(BIN)/snakemake --cores $(CORES)

test: $(VENV)/tests lint
	$(BIN)/python -m pytest

test-slow: $(VENV)/tests
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakefmt --check Snakefile workflow

# The stamps are renewed when a pinned version changes, so an old environment is brought up to date.
$(VENV)/runs: envs/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r envs/requirements.txt
	touch $@

$(VENV)/tests: envs/requirements-dev.txt $(VENV)/runs
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r envs/requirements-dev.txt
	touch $@

# Resolve anew what the .in files ask for, and pin everything it brings.
lock:
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet -r envs/requirements.in
	.venv-lock/bin/pip freeze | sed "s/+cpu$$//" > envs/requirements.txt
	.venv-lock/bin/pip install --quiet -r envs/requirements-dev.in
	(echo "-r requirements.txt"; .venv-lock/bin/pip freeze | sed "s/+cpu$$//" | grep -vxFf envs/requirements.txt) > envs/requirements-dev.txt
	rm -rf .venv-lock

clean:
	rm -rf $(VENV) results .snakemake
