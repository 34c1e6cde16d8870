# gxmeter. `make demo` and `make test` do all their own set-up; everything they make stays in .venv*/ and out/.
# Another interpreter: make PYTHON=python3.12 demo

PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; done; echo python3)
VENV := .venv
PY := $(VENV)/bin/python
RUNTIME := $(VENV)/.runtime.stamp
DEV := $(VENV)/.dev.stamp
# The trainers and loggers that gxmeter/meter/hooks is tested with have an environment of their own. PyTorch stands
# outside its lock: "+cpu" is the build without several GB of CUDA, which pip finds only where the machine says it is
# (PIP_FIND_LINKS, PIP_EXTRA_INDEX_URL), so nobody's hash of it is everybody's.
VENV_HOOKS := .venv-hooks
HOOKS := $(VENV_HOOKS)/.stamp
TORCH := torch==2.13.0+cpu
# PySpark is half a gigabyte, so only `make nightly` fetches it, into an environment of its own.
VENV_SPARK := .venv-spark
SPARK := $(VENV_SPARK)/.stamp

.DEFAULT_GOAL := help
.PHONY: help demo test lint format nightly docs lock clean

help: ## Show what there is.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

# The development lock holds everything that the runtime lock holds, so it serves both.
$(RUNTIME): requirements.lock pyproject.toml tools/setup_venv.py
	@test -f $(DEV) && test $(DEV) -nt requirements.lock && test $(DEV) -nt pyproject.toml || \
		$(PYTHON) tools/setup_venv.py requirements.lock $(VENV)
	@touch $@

$(DEV): requirements-dev.lock pyproject.toml tools/setup_venv.py
	@$(PYTHON) tools/setup_venv.py requirements-dev.lock $(VENV)
	@touch $@ $(RUNTIME)

# Where it cannot be made the tests of the hooks are skipped, and say so; the next `make test` tries again.
$(HOOKS): requirements-hooks.lock pyproject.toml tools/setup_venv.py
	@rm -f $@
	@$(PYTHON) tools/setup_venv.py requirements-hooks.lock $(VENV_HOOKS) $(TORCH) && touch $@ || \
		echo "The tests of the trainer hooks will be skipped." >&2

$(SPARK): requirements-spark.lock pyproject.toml tools/setup_venv.py
	@rm -f $@
	@$(PYTHON) tools/setup_venv.py requirements-spark.lock $(VENV_SPARK) && touch $@ || \
		echo "The tests of the Spark engine will be skipped." >&2

demo: $(RUNTIME) ## Train a small model under the meter, account the year, write, seal and verify the report (out/).
	@$(PY) seeds/demo/demo.py

test: $(DEV) $(HOOKS) ## Lint, types, room order, all tests with coverage floors.
	@bash tools/setup_system.sh
	@$(MAKE) --no-print-directory lint
	@VENV=$(VENV) bash tools/test.sh

lint: $(DEV) ## Ruff, format, mypy, import order, spelling.
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check --quiet .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports --no-cache --no-logo
	@$(VENV)/bin/codespell gxmeter tools seeds docs factors reports *.md *.toml

format: $(DEV) ## Let ruff mend what it can.
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

nightly: $(DEV) $(HOOKS) $(SPARK) ## The long checks: every test, more hypothesis examples.
	@bash tools/setup_system.sh java
	@HYPOTHESIS_PROFILE=nightly VENV=$(VENV) bash tools/test.sh --nightly

docs: $(DEV) ## Write the generated files anew (JSON Schemas, the page of findings).
	@$(PY) -m gxmeter.workspace.schema
	@$(PY) tools/findings_page.py

lock: $(DEV) ## Resolve the lock files (requirements*.lock) anew (fetches uv into .venv).
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check uv
	@UV=$(VENV)/bin/uv bash tools/lock.sh

clean: ## Remove everything that make made.
	rm -rf $(VENV) $(VENV_HOOKS) $(VENV_SPARK) out dist build .coverage .coverage.* htmlcov .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
