# make run    the service on http://127.0.0.1:$(PORT), data under $(DATA), demonstration unless DEMO=0
# make test   every check and every test
# make drill  everything is broken on purpose, and what is lost is counted; SEED= repeats one, EVENTS= makes it shorter
# make bench  the measurements
# make lint   the checks alone
# make openapi   docs/openapi.json, after a change of the API
# make lock   resolve the dependencies again
# make clean  forget the environment and the caches; the data in $(DATA) stays

PYTHON ?= python3
PORT ?= 8000
DATA ?= var
DEMO ?= 1
PYTEST_ARGS ?=
# One more than there are cores: many tests wait for processes that they started.
WORKERS ?= $(shell expr $$(nproc 2>/dev/null || echo 1) + 1)
SEED ?=
EVENTS ?=

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := run
.PHONY: run test drill bench lint openapi lock clean

BIN := .venv/bin
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore $(BIN)/python -m pip
LOCK := cd $(CURDIR) && .venv/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-annotate --no-strip-extras --custom-compile-command 'make lock'

# exec: Ctrl-C and SIGTERM reach the service itself, and its status is the recipe's.
run: .venv/.installed
	@export WATCHLIST_PORT='$(PORT)' WATCHLIST_DATA='$(DATA)' WATCHLIST_DEMO='$(DEMO)'; \
	exec $(BIN)/watchlist serve

test: lint
	@$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report=term-missing:skip-covered $(PYTEST_ARGS)

# One after the other: a drill counts on the machine being its own.
drill: .venv/.installed-dev
	@export WATCHLIST_DRILL_SEED='$(SEED)' WATCHLIST_DRILL_EVENTS='$(EVENTS)'; \
	$(BIN)/python -m pytest -m drill -n 0 --durations=0 --durations-min=1 $(PYTEST_ARGS)

bench: .venv/.installed-dev
	@$(BIN)/python -m bench

lint: .venv/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

openapi: .venv/.installed
	@$(BIN)/python -m api.openapi > docs/openapi.json.new && mv docs/openapi.json.new docs/openapi.json

# The runtime locks are held to the versions of the development lock: what is tested is what runs.
lock: .venv/lock/bin/uv
	@$(LOCK) --extra dev --extra letters --extra otel --extra stamps --output-file requirements-dev.lock pyproject.toml
	@$(LOCK) --extra letters --extra stamps --constraints requirements-dev.lock --output-file requirements.lock pyproject.toml
	@grep '^requires = ' pyproject.toml | grep -o '"[^"]*"' | tr -d '"' \
	| ($(LOCK) --constraints requirements-dev.lock --output-file requirements-build.lock -)

clean:
	@rm -rf .venv build dist *.egg-info .coverage .coverage.* \
		.pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# Says what is missing in one line, with its remedy.
define check_python
	@command -v '$(PYTHON)' >/dev/null \
	|| { echo "$(PYTHON) is missing: apt-get install python3 python3-venv, or name one with PYTHON=..." >&2; exit 1; }
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "$(PYTHON) is older than 3.11: install a later one and name it with PYTHON=..." >&2; exit 1; }
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null \
	|| { echo "$(PYTHON) cannot make environments: apt-get install python3-venv" >&2; exit 1; }
endef

# pip's own words go to .venv/pip.log; what is seen is one counter, on a terminal only.
define install_locked
	@total=$$(cat $(1) | grep -c '^[a-z]'); echo "Installing $$total packages (pip's log: .venv/pip.log)"; \
	$(PIP) install --no-input --progress-bar off --log .venv/pip.log --require-hashes $(patsubst %,-r %,$(1)) \
	| awk -v total=$$total -v tty=$$([ -t 2 ] && echo 1 || echo 0) \
		'tty && /^(Collecting|Requirement already)/ { n++; printf "\r\033[K%d/%d %s", n, total, $$0 > "/dev/stderr" } \
		tty && /^Installing/ { printf "\r\033[KUnpacking ..." > "/dev/stderr" } \
		END { if (tty) printf "\r\033[K" > "/dev/stderr" }'
endef

.venv/.made:
	$(check_python)
	@'$(PYTHON)' -m venv --clear .venv
	@touch $@

.venv/.installed: .venv/.made requirements.lock requirements-build.lock pyproject.toml
	$(call install_locked,requirements.lock requirements-build.lock)
	@$(PIP) install --quiet --no-index --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.installed-dev: .venv/.installed requirements-dev.lock
	$(call install_locked,requirements-dev.lock)
	@touch $@

.venv/lock/bin/uv: | .venv/.made
	@'$(PYTHON)' -m venv .venv/lock
	@.venv/lock/bin/python -m pip install --quiet --disable-pip-version-check uv
