# study: the quick study on bundled digits.  test: the whole suite.  test-gpu: what needs a GPU.  check: ruff and mypy.
# bench: rungwise against its peers, about five minutes.  bench-full: all nets, under an hour.  Each sets up .venv first.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
BENCH_READY := .venv/.bench-ready

.PHONY: study test test-gpu check format bench bench-full clean

study: $(READY)
	$(BIN)/rungwise run quick --out runs/quick

test: $(READY)
	$(BIN)/python -m pytest

test-gpu: $(READY)
	$(BIN)/python -m pytest --gpu

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(BENCH_READY)
	$(BIN)/python -m benchmarks throughput

bench-full: $(BENCH_READY)
	$(BIN)/python -m benchmarks throughput --full

$(BENCH_READY): $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	touch $@

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rungwise needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": set PYTHON, as in `make study PYTHON=python3.12`")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv runs .mypy_cache .ruff_cache .pytest_cache
