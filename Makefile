# Targets do their own set-up: a fresh Debian or Ubuntu with Python 3.11 is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.synced
# What is compiled once is not compiled again in each of the many processes that tests start.
unexport PYTHONDONTWRITEBYTECODE
SERVERS := prometheus prometheus-alertmanager postgresql docker.io docker-compose iptables

.PHONY: demo test test-fast test-crash test-drills lint format serve setup lock docs bench bench-drills stack servers clean

demo: setup
	$(BIN)/quell demo $(ARGS)

# Matrices of a few rows: threads would wait for each other longer than they compute, above all on a busy machine.
test test-fast test-crash test-drills: export OPENBLAS_NUM_THREADS = 1

# What starts real processes waits more than it computes: two at a time; tests that share an engine or a world, in a row.
test: test-fast servers
	$(BIN)/python -m pytest -m "(slow or crash or drill) and not exhaustive" --numprocesses 2 --dist loadgroup $(ARGS)

test-fast: setup
	$(BIN)/python -m pytest -m "not slow and not crash and not drill and not exhaustive" --numprocesses auto $(ARGS)

test-crash: setup
	$(BIN)/python -m pytest -m crash $(ARGS)

# Every scenario in every environment, a minute each.
test-drills: setup servers
	$(BIN)/python -m pytest -m drill $(ARGS)

lint: setup
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m app.reference --check

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

serve: setup
	$(BIN)/quell serve $(ARGS)

docs: setup
	$(BIN)/python -m app.reference

# Every benchmark on the data in $QUELL_DATA; says what it left out and where that is to be had. ARGS=--peer: peers too.
bench: setup
	$(BIN)/quell bench all $(ARGS)

# Each scenario ten times, renamed, with the scoreboard.
bench-drills: setup
	$(BIN)/quell drill run --all --repeat 10 --rename 1 $(ARGS)

# The whole stack by Docker Compose; docs/guide/stack.md says what of it has been run.
stack:
	./infrastructure/stack up --detach --build --wait $(ARGS)

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	./infrastructure/setup "$(PYTHON)" "$(VENV)"
	touch $@

# The lock has hashes and no address of any index, so it can be installed from any mirror.
lock:
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--extra dev pyproject.toml --output-file requirements.lock

# Real servers for the tests: with CI=true or TEST_INSTALL=1 they are installed, and a missing one fails.
servers:
	./infrastructure/test-servers $(SERVERS)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
