# Each target first installs what it needs into .venv, and installs again when pyproject.toml or constraints.txt changed.
#
#   study       run the quick study on bundled digits
#   test        the whole test suite, in two processes
#   check       ruff, mypy and the contract of layers
#   format      put the code into ruff's form
#   wheel-test  install the wheel into an empty environment and run the quick study there; a few minutes
#   test-gpu    the tests that need a GPU
#   stress      kill runs, damage files, run many at once, look for leaks; an hour or two
#   bench       rungwise against other libraries, about five minutes
#   bench-full  the same with all nets, under an hour
#   clean       remove .venv, runs and what the tools left
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable

# An empty file stands for each set of packages that is installed.
CORE := .venv/.core-ready
TEST := .venv/.test-ready
DEV := .venv/.dev-ready
BENCH := .venv/.bench-ready

.PHONY: study test check format wheel-test test-gpu stress bench bench-full clean

study: $(CORE)
	$(BIN)/rungwise run quick --out runs/quick

test: $(TEST)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

format: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel-test: $(TEST)
	$(BIN)/python -m pytest --wheel tests/test_wheel.py

test-gpu: $(TEST)
	$(BIN)/python -m pytest --gpu

# Each says what it found; a later one is tried all the same.
stress: $(TEST)
	failed=0; for kind in kills damage together leaks; do $(BIN)/python -m stress $$kind || failed=1; done; exit $$failed

bench: $(BENCH)
	$(BIN)/python -m benchmarks throughput

bench-full: $(BENCH)
	$(BIN)/python -m benchmarks throughput --full

# The core is what a user gets from `pip install rungwise`.
$(CORE): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rungwise needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": set PYTHON, as in `make study PYTHON=python3.12`")'
	$(PYTHON) -m venv .venv
	$(INSTALL) .
	touch $@

# The rest is added to it, in the same .venv.
$(TEST): $(CORE)
	$(INSTALL) '.[test]'
	touch $@

$(DEV): $(CORE)
	$(INSTALL) '.[dev]'
	touch $@

$(BENCH): $(TEST)
	$(INSTALL) '.[bench]'
	touch $@

clean:
	rm -rf .venv runs build dist .mypy_cache .ruff_cache .pytest_cache
