# make                       the environment, then the whole default experiment (6.5 minutes on two cores)
# make help                  this list
# make .venv/runs            the environment alone, in .venv (2.4 GB, a few minutes)
#
# make test                  the environment, then the tests that take seconds each (10 to 20 minutes on two cores)
# make test-slow             the tests that take longer; PART=2/4 is the second of four parts of them
# make test-quick            the tests that need no model, in an environment without models' packages
# make test-pythons          the same, on each other Python here that the project runs on (1 GB)
# make test-page             the tests of the page in headless Chromium, and of TensorBoard's logs
# make test-vllm             the tests of the vLLM engine, in an environment of their own (4 GB)
# make test-gpu              the tests that need a GPU
# make test-slurm            the tests on a SLURM cluster, which they start on this machine
# make gpu-check             what a GPU makes of this project: benchmarks/runs/gpu_check.md (seven minutes)
#
# make tiny-pair             trains the models of resources/tiny_pair anew
# make test-tiny-pair        trains them elsewhere and compares
# make lint                  checks the code's style
# make lock                  pins the newest packages that envs/*.in allow
# make clean                 removes the environments, and all results
#
# With .venv/bin on the PATH, each with --cores all, and with --configfile my.yaml for a config of your own:
# snakemake plan             what a run would do, and the time, memory and disk that it takes
# snakemake report           the results on one page
# snakemake targets          every result that can be made, with a line on each
#
# PYTHON=path                makes the environment with this Python; otherwise envs/find_python.sh looks for one
# CORES=2                    of the experiment; all if not given
# WORKERS=4                  of the tests; 2 if not given
# SLURM_TESTS=--require-cluster   of test-slurm, which then fails, and does not skip, where it can't start a cluster
#
PYTHON ?=
PYTHON_VERSIONS := 3.11 3.12 3.13
CORES ?= all
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
VLLM := .venv-vllm
NEW_ENVIRONMENT := python=$$(envs/find_python.sh $(PYTHON)) && echo "$$($$python --version): $$python" && $$python -m venv
# pip compiles every module on one core, which took more than half of an installation. Python compiles what is imported.
PIP_INSTALL := python -m pip install --quiet --disable-pip-version-check --no-compile
# pip is quiet for minutes: what it brings, and how much. $(call installing,FILE,how much)
installing = @echo "Installing $$(grep -c == $(1)) pinned packages ($(1)): $(2), once. Nothing more is said until they are there."
# Whole files to each worker, in the order of tests/conftest.py: tests of one file share what takes long to make.
PARALLEL := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
PART ?= 1/1
# What depends on the version of Python and on no model: syntax, numbers, texts and tables.
QUICK_TESTS := $(addprefix tests/,core config games prompts parsing statistics evaluation planning paper reporting)
OF_MODELS := ^(torch|transformers|peft|accelerate|bitsandbytes|trl|datasets)==
# Beside a CPU's torch these break (operator torchvision::nms does not exist), and text needs none of them.
VLLM_LEFT_OUT := ^(pip|torchvision|torchaudio|torchcodec)==

.PHONY: help run test test-slow test-quick test-pythons test-page test-vllm test-gpu gpu-check test-slurm tiny-pair \
	test-tiny-pair chromium install-chromium lint lock lock-vllm lock-gpu lock-conda clean

run: $(VENV)/runs
	@test -e results/main/summary.md || echo "The default experiment: 6.5 minutes on two cores, 5 GiB of memory, 0.7 GB of disk."
	$(BIN)/snakemake --cores $(CORES)

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

test: $(VENV)/tests lint
	$(BIN)/python -m pytest $(PARALLEL)

test-slow: $(VENV)/tests
	$(BIN)/python -m pytest -m slow $(PARALLEL) --part $(PART)

test-quick: $(VENV)/quick
	$(BIN)/python -m pytest $(QUICK_TESTS) -m "not slow and not training and not model" $(PARALLEL)

# `make test` runs these and all others on the Python of .venv.
test-pythons: $(VENV)/tests
	@own=$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	for version in $(PYTHON_VERSIONS); do \
		if [ $$version = $$own ]; then continue; fi; \
		if ! python=$$(envs/find_python.sh python$$version 2>/dev/null); then \
			echo "Python $$version: not on this machine, so not tested"; continue; fi; \
		$(MAKE) --no-print-directory test-quick VENV=.venv-$$version PYTHON=$$python || exit; \
	done

test-gpu: $(VENV)/tests
	$(BIN)/python -m pytest tests/gpu

gpu-check: $(VENV)/tests
	$(BIN)/python benchmarks/gpu_check.py

test-page: $(VENV)/page chromium
	$(BIN)/python -m pytest tests/browser tests/tensorboard

# pdftotext reads what Chromium prints. apt-get brings both where this is run as root.
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
	$(VLLM)/bin/python -m pytest tests/vllm $(PARALLEL)

# Where a shipped file has other bytes than the one trained here, git diff says so.
tiny-pair: $(VENV)/runs
	for role in teacher student; do \
		$(BIN)/python tests/tiny_pair/train_tiny_pair.py --role $$role --output resources/tiny_pair/$$role || exit; \
	done

test-tiny-pair: $(VENV)/tests
	$(BIN)/python -m pytest -m training -n $(WORKERS) tests/tiny_pair

lint: $(VENV)/tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakefmt --check Snakefile workflow

# The stamps are renewed when a pinned version changes, so an old environment is brought up to date.
$(VENV)/runs: envs/requirements.txt
	@$(NEW_ENVIRONMENT) $(VENV)
	$(call installing,envs/requirements.txt,2.4 GB of disk and a few minutes)
	@$(BIN)/$(PIP_INSTALL) -r envs/requirements.txt
	@touch $@

$(VENV)/tests: envs/requirements-dev.txt $(VENV)/runs
	$(call installing,envs/requirements-dev.txt,a minute)
	@$(BIN)/$(PIP_INSTALL) -r envs/requirements-dev.txt
	touch $@

# The pins but those of models, which are gigabytes: the quick tests need none of them.
$(VENV)/quick: envs/requirements.txt envs/requirements-dev.txt
	@$(NEW_ENVIRONMENT) $(VENV)
	grep -hvE "^-r|$(OF_MODELS)" $^ > $(VENV)/quick.txt
	$(BIN)/$(PIP_INSTALL) --no-deps -r $(VENV)/quick.txt
	touch $@

$(VENV)/page: envs/requirements-page.txt $(VENV)/tests
	$(BIN)/$(PIP_INSTALL) -r envs/requirements-page.txt
	touch $@

# Without --no-deps, pip would bring back what VLLM_LEFT_OUT names.
$(VLLM)/tests: envs/requirements-vllm.txt
	@$(NEW_ENVIRONMENT) $(VLLM)
	$(call installing,envs/requirements-vllm.txt,4.4 GB of disk and several minutes)
	@$(VLLM)/bin/$(PIP_INSTALL) --no-deps -r envs/requirements-vllm.txt
	touch $@

# Resolve anew what the .in files ask for, and pin everything it brings.
lock:
	rm -rf .venv-lock && $(NEW_ENVIRONMENT) .venv-lock
	.venv-lock/bin/pip install --quiet -r envs/requirements.in
	.venv-lock/bin/pip freeze | sed "s/+cpu$$//" > envs/requirements.txt
	.venv-lock/bin/pip install --quiet -r envs/requirements-dev.in
	(echo "-r requirements.txt"; .venv-lock/bin/pip freeze | sed "s/+cpu$$//" | grep -vxFf envs/requirements.txt) > envs/requirements-dev.txt
	.venv-lock/bin/pip install --quiet -r envs/requirements-page.in
	(echo "-r requirements-dev.txt"; .venv-lock/bin/pip freeze | sed "s/+cpu$$//" | grep -vxFf envs/requirements.txt \
		| grep -vxFf envs/requirements-dev.txt) > envs/requirements-page.txt
	rm -rf .venv-lock
	$(MAKE) lock-vllm lock-gpu lock-conda

# The same versions as the runs', but for setuptools, of which vLLM wants an older one.
lock-vllm:
	rm -rf .venv-lock && $(NEW_ENVIRONMENT) .venv-lock
	grep -hv "^-r\|^setuptools==" envs/requirements.txt envs/requirements-dev.txt > .venv-lock/constraints.txt
	.venv-lock/bin/pip install --quiet -r envs/requirements-vllm.in -c .venv-lock/constraints.txt
	.venv-lock/bin/pip freeze --all | sed "s/+cpu$$//" | awk -F== '{gsub("_", "-", $$1); print tolower($$1) "==" $$2}' \
		| grep -vE "$(VLLM_LEFT_OUT)" > envs/requirements-vllm.txt
	rm -rf .venv-lock

# The same versions as the runs', but for setuptools, and the same on each Python. uv reads what packages say of themselves,
# where pip would download 4 GB, and knows nothing of a CPU's torch in pip's configuration; pyproject.toml names what it
# resolves for. Then each Python is to find wheels: glibc 2.31 is the oldest for which vLLM's dependencies have them.
WHEELS := --only-binary :all: --no-binary connection-pool --python-platform x86_64-manylinux_2_31
lock-gpu: $(VENV)/tests
	rm -rf .venv-lock && mkdir .venv-lock
	grep -v "^setuptools==" envs/requirements.txt > .venv-lock/constraints.txt
	$(BIN)/uv pip compile --quiet --no-header --no-annotate --universal --python-version 3.11 \
		envs/requirements-gpu.in -c .venv-lock/constraints.txt -o .venv-lock/marked.txt
	sed "s/ ;.*//" .venv-lock/marked.txt > .venv-lock/gpu.txt
	for version in $(PYTHON_VERSIONS); do \
		$(BIN)/uv pip compile --quiet $(WHEELS) --python-version $$version .venv-lock/gpu.txt -o /dev/null || exit; \
	done
	cp .venv-lock/gpu.txt envs/requirements-gpu.txt
	rm -rf .venv-lock

# A conda environment names each pinned version itself: Snakemake copies its file elsewhere, where no `-r FILE` is found.
lock-conda:
	for pair in run:requirements vllm:requirements-gpu; do \
		file=envs/$${pair%:*}.yaml; \
		sed -i '/^  - pip:/q' $$file && sed 's/^/      - /' envs/$${pair#*:}.txt >> $$file || exit; \
	done

clean:
	rm -rf $(VENV) $(VLLM) $(addprefix .venv-,$(PYTHON_VERSIONS)) results .snakemake
