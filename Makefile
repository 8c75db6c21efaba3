# Everything runs in .venv, from pinned and hashed packages. GNU make 3.81 will do.

# Without bytecode Prefect's server takes twice its time to start.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK = 1

SUITABLE = -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))'
PYTHON = $(shell for name in python3.13 python3.12 python3.11 python3; do \
  $$name $(SUITABLE) 2>/dev/null && echo $$name && break; done)
IN_VENV = .venv/bin/python -m
INSTALLED = .venv/installed
COMPILE = build/lock/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 \
  --generate-hashes --no-annotate --custom-compile-command 'make lock'

.PHONY: help setup demo test bench faults picture screenshots lint lock wheel clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' Makefile

setup: $(INSTALLED) ## Make .venv and install into it; the others do it when needed

demo: $(INSTALLED) ## Fly 008 on a PostgreSQL of its own; USERS=100000, BREAK=endpoint|backfill|functions, UI=1
	.venv/bin/pgflight demo $(if $(USERS),--users $(USERS)) $(if $(BREAK),--break $(BREAK)) $(if $(UI),--ui)

test: $(INSTALLED) ## Run all tests
	$(IN_VENV) pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

bench: $(INSTALLED) ## Measure beside psql, sqitch and dbmate; USERS=10000,100000 ROUNDS=1
	$(IN_VENV) tests.benchmarks --docs docs \
	  $(if $(USERS),--users $(USERS)) $(if $(ROUNDS),--rounds $(ROUNDS))

faults: $(INSTALLED) ## Kill, cut off and crash it on every PostgreSQL there is; SERVER=18 ONLY=F05 ROUNDS=9
	$(IN_VENV) pip install --quiet --require-hashes --requirement requirements-faults.txt
	$(IN_VENV) tests.faults --docs docs $(if $(SERVER),--server $(SERVER)) \
	  $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED))

picture: $(INSTALLED) ## Record the demo anew, as docs/demo.svg
	.venv/bin/python docs/record.py

screenshots: $(INSTALLED) ## Take the pictures of Prefect's UI anew, in docs/ui
	PGFLIGHT_TEST_SCREENSHOTS=docs/ui $(IN_VENV) pytest tests/browser

lint: $(INSTALLED) ## Check style and types
	$(IN_VENV) ruff check
	$(IN_VENV) ruff format --check
	$(IN_VENV) mypy

wheel: $(INSTALLED) ## Build the wheel into dist/
	$(IN_VENV) pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

lock: ## Pin what pyproject.toml asks for; without requirements.txt, the newest
	$(find-python)
	$(PYTHON) -m venv --clear build/lock
	build/lock/bin/python -m pip install --quiet uv
	$(COMPILE) --extra demo --group dev --output-file requirements.txt pyproject.toml
	$(COMPILE) --constraint requirements.txt --output-file docker/requirements.txt pyproject.toml
	$(COMPILE) --constraint requirements.txt --output-file docker/build.txt --group build
	$(COMPILE) --group faults --constraint requirements.txt --output-file requirements-faults.txt

clean: ## Remove what the others have made
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache
	find flows tests -name __pycache__ -prune -exec rm -rf {} +

$(INSTALLED): requirements.txt pyproject.toml
	$(find-python)
	$(PYTHON) -m venv --clear .venv
	# As constraints too: before pip 23.3 a pin did not bind a package with extras.
	$(IN_VENV) pip install --quiet --no-compile --require-hashes --requirement requirements.txt \
	  --constraint requirements.txt
	$(IN_VENV) pip install --quiet --no-deps --no-build-isolation --editable .
	$(IN_VENV) compileall -q -j 0 .venv/lib flows
	@touch $@

define find-python
@$(or $(PYTHON),false) $(SUITABLE) 2>/dev/null || { echo >&2 \
  "pgflight needs Python 3.11 or newer that can make virtual environments." \
  "Debian: apt install python3-venv. macOS: brew install python." \
  "To name one: make PYTHON=/path/to/python3"; exit 1; }
endef
