# make: the environment, then the whole default experiment. make test: the environment, then the tests, less those
# that take minutes; make test-slow: those.
# make test-page: the tests of the page in headless Chromium, which apt-get brings where this is run as root.
# make test-vllm: the tests of the vLLM engine, in an environment of their own (4 GB). make test-gpu: those that need a GPU.
# make test-slurm: those on a SLURM cluster, which they start on this machine; SLURM_TESTS=--require-cluster fails, and does
# not skip, where they can't.
PYTHON ?= python3.11
CORES ?= all
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
VLLM := .venv-vllm
# Beside a CPU's torch these break (operator torchvision::nms does not exist), and text needs none of them.
VLLM_LEFT_OUT := ^(pip|torchvision|torchaudio|torchcodec)==

.PHONY: run test test-slow test-page test-vllm test-gpu test-slurm chromium install-chromium lint lock lock-vllm clean

run: $(VENV)/runs
	$(BIN)/snakemake --cores $(CORES)

# Whole files to each worker: tests of one file share what takes long to make.
test: $(VENV)/tests lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

test-slow: $(VENV)/tests
	$(BIN)/python -m pytest -m slow

test-gpu: $(VENV)/tests
	$(BIN)/python -m pytest tests/gpu

test-page: $(VENV)/page chromium
	$(BIN)/python -m pytest tests/browser

# pdftotext reads what Chromium prints.
chromium:
	@command -v chromium >/dev/null && command -v pdftotext >/dev/null || $(MAKE) --no-print-directory install-chromium

install-chromium:
	@if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "error: make test-page needs chromium and pdftotext (Debian: apt-get install chromium poppler-utils)" >&2; exit 2; fi
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium poppler-utils >/dev/null

test-slurm: $(VENV)/tests
	tests/slurm/install.sh
	$(BIN)/python -m pytest tests/slurm $(SLURM_TESTS)

test-vllm: $(VLLM)/tests
	$(VLLM)/bin/python -m pytest tests/vllm -n $(WORKERS) --dist loadfile

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

$(VENV)/page: envs/requirements-page.txt $(VENV)/tests
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r envs/requirements-page.txt
	touch $@

# Without --no-deps, pip would bring back what VLLM_LEFT_OUT names.
$(VLLM)/tests: envs/requirements-vllm.txt
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r envs/requirements-vllm.txt
	touch $@

# Resolve anew what the .in files ask for, and pin everything it brings.
lock:
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet -r envs/requirements.in
	.venv-lock/bin/pip freeze | sed "s/+cpu$$//" > envs/requirements.txt
	.venv-lock/bin/pip install --quiet -r envs/requirements-dev.in
	(echo "-r requirements.txt"; .venv-lock/bin/pip freeze | sed "s/+cpu$$//" | grep -vxFf envs/requirements.txt) > envs/requirements-dev.txt
	.venv-lock/bin/pip install --quiet -r envs/requirements-page.in
	(echo "-r requirements-dev.txt"; .venv-lock/bin/pip freeze | sed "s/+cpu$$//" | grep -vxFf envs/requirements.txt \
		| grep -vxFf envs/requirements-dev.txt) > envs/requirements-page.txt
	rm -rf .venv-lock
	$(MAKE) lock-vllm

# The same versions as the runs', but for setuptools, of which vLLM wants an older one.
lock-vllm:
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	grep -hv "^-r\|^setuptools==" envs/requirements.txt envs/requirements-dev.txt > .venv-lock/constraints.txt
	.venv-lock/bin/pip install --quiet -r envs/requirements-vllm.in -c .venv-lock/constraints.txt
	.venv-lock/bin/pip freeze --all | sed "s/+cpu$$//" | awk -F== '{gsub("_", "-", $$1); print tolower($$1) "==" $$2}' \
		| grep -vE "$(VLLM_LEFT_OUT)" > envs/requirements-vllm.txt
	rm -rf .venv-lock

clean:
	rm -rf $(VENV) $(VLLM) results .snakemake
