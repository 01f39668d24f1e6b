# The words: setup demo test check golden bench; lock renews the locked dependencies.
.PHONY: setup demo test check golden bench lock clean
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

export PIP_DISABLE_PIP_VERSION_CHECK := 1
RUN := .venv/bin/python -m
LOCKS := .ci/requirements/runtime.lock .ci/requirements/dev.lock

setup: .venv/.ready

# The first interpreter that starts, is new enough and can make environments: a version manager's shim may be there and not work.
.venv/.ready: $(LOCKS) pyproject.toml
	@if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  for name in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	    if "$$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$name; break; fi; \
	  done; \
	  if [ -z "$${found:-}" ]; then echo "setup: no Python 3.11 or newer with the venv module was found; name one: make setup PYTHON=/path/to/python" >&2; exit 3; fi; \
	  echo "setup: $$found, $$("$$found" --version)"; \
	  "$$found" -m venv --clear .venv; \
	fi
	@$(RUN) pip install --quiet --require-hashes -r .ci/requirements/runtime.lock -r .ci/requirements/dev.lock
	@$(RUN) pip install --quiet --no-deps --no-build-isolation --no-index -e .
	@touch $@

demo: setup
	@PATH="$(CURDIR)/.venv/bin:$$PATH" bash examples/demo

test: setup
	@$(RUN) pytest -q -n 2

check: setup
	@$(RUN) ruff format --check --quiet . || { echo "check: format with: .venv/bin/ruff format ." >&2; exit 1; }
	@$(RUN) ruff check --quiet .
	@$(RUN) mypy
	@.venv/bin/lint-imports
	@$(RUN) pytest -q -n 2 -m "not cluster and not slow"

golden: setup
	@GITOPSC_GOLDEN=update $(RUN) pytest -q tests/test_cases.py tests/test_scripts.py tests/test_examples.py tests/test_mistakes.py tests/unit/test_shipped_types.py

bench: setup
	@$(RUN) tests.bench $(ROWS)

lock: setup
	@$(RUN) pip install --quiet pip-tools
	@sh .ci/requirements/lock

clean:
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
