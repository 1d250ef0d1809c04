# Steelyard: every task a developer or a first-time user needs. `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
# --inexact: uv itself lives in the environment it fills.
SYNC := $(UV) sync --locked --inexact --quiet --compile-bytecode --extra local
# Of our own modules too: where Python is told to write none, every command would compile hundreds of them anew.
COMPILE := $(BIN)/python -m compileall -q src

# A change of these makes uv build the package, and so the web assets, anew.
WEB := hatch_build.py $(shell find src/steelyard/web -name '*.jinja' -o -path '*/web/assets/*' -type f)

.DEFAULT_GOAL := help
.PHONY: help install dev assets client demo test fuzz check audit fuzz-api bench bench-statistics bench-judge bench-throughput bench-pages bench-ingest bench-users bench-peers screenshots serve

help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(BIN)/.installed ## Install into .venv: gives .venv/bin/steelyard
dev: $(BIN)/.installed-dev ## Install what the tests and checks need as well
assets: dev ## Make the web application's stylesheet and script again (half a second)
	$(BIN)/python hatch_build.py

client: dev ## Make the Python client again from the API's document
	$(BIN)/python -m steelyard.api.client_source

demo: install ## Benchmark the example skills on a real local model and print the verdict
	$(BIN)/steelyard demo

test: dev ## Run all tests (TESTS="tests/unit -k word" for some)
	$(if $(TESTS),$(BIN)/pytest $(TESTS),$(BIN)/python -m tests.everything)

fuzz: dev ## Read damaged and hostile files of every kind (FUZZ=2000 examples of each)
	STEELYARD_FUZZ_EXAMPLES=$(or $(FUZZ),2000) $(BIN)/pytest tests/fuzz -q

check: dev ## Lint, format, types, layering
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

# pip-audit reads the lock as it would be installed, and runs outside the environment it looks at.
audit: dev ## Look up known vulnerabilities of every locked dependency (needs pypi.org or AUDIT="--vulnerability-service osv")
	@mkdir -p build
	$(UV) export --locked --quiet --all-groups --all-extras --no-emit-project --format requirements-txt --output-file build/audit.txt
	$(UV) tool run --quiet 'pip-audit>=2.10,<3' --requirement build/audit.txt --disable-pip --require-hashes --strict $(AUDIT)

# schemathesis runs outside the environment of what it tries.
fuzz-api: dev ## Send the API requests made up from its own document, as everybody (REQUESTS="50000" EXAMPLES="100" SEED="7")
	$(BIN)/python -m benchmarks.api_fuzz $(if $(REQUESTS),--requests $(REQUESTS)) $(if $(EXAMPLES),--examples $(EXAMPLES)) $(if $(SEED),--seed $(SEED))

bench: bench-statistics bench-judge bench-throughput ## Run the benchmarks (long)

bench-statistics: dev ## Test the claims of the statistics on ../shared/data and write docs/trust.md
	$(BIN)/python -m benchmarks.statistics

bench-judge: dev ## Plant biases in scripted judges, or grade known pairs (JUDGE=provider:model LIMIT=50 BUDGET=2)
	$(BIN)/python -m benchmarks.judge $(if $(JUDGE),pairs --judge $(JUDGE) $(if $(LIMIT),--limit $(LIMIT)) $(if $(BUDGET),--budget $(BUDGET)),--write planted)

bench-throughput: dev ## Measure wall time, CPU and memory of runs against a local model server
	$(BIN)/python -m benchmarks.throughput

bench-pages: dev ## Time every page at scale and write docs/pages.md (HOME_FILLED=… or half an hour of filling)
	$(BIN)/python -m benchmarks.pages $(if $(HOME_FILLED),--home $(HOME_FILLED))

bench-ingest: dev ## Measure uses and spans taken in a second over HTTP and write docs/ingest.md
	$(BIN)/python -m benchmarks.ingest

bench-users: dev ## Have 200 signed-in users at work for two minutes, and again while the database restarts; write docs/users.md
	$(BIN)/python -m benchmarks.users

bench-peers: dev ## Do the same work with promptfoo, pydantic-evals and Inspect (installs them into build/)
	$(BIN)/python -m benchmarks.peers

screenshots: dev ## Write every page in both themes to docs/screenshots
	$(BIN)/python -m benchmarks.screenshots

serve: install ## Open the web application
	$(BIN)/steelyard serve

$(UV):
	$(PYTHON) -c 'import sys; sys.exit("Steelyard needs Python 3.11 or newer; set PYTHON=…") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.9'

$(BIN)/.installed: $(UV) pyproject.toml uv.lock $(WEB)
	$(SYNC) --no-default-groups --group weights
	@$(COMPILE)
	@touch $@

$(BIN)/.installed-dev: $(UV) pyproject.toml uv.lock $(WEB)
	$(SYNC)
	@$(COMPILE)
	@touch $@ $(BIN)/.installed
