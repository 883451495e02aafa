# Two commands do everything on a machine with only Python (3.11 or later) and make: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: demo test check format golden bench system clean
.DEFAULT_GOAL := demo

$(READY): requirements-dev.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked dependencies into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)  ## scan the embedded sample estate; reports land in reports/demo
	@$(BIN)/acrscan demo

system: $(READY)  ## what some tests need beside Python: a browser, the SARIF validator
	@sh .ci/system

test: $(READY) system  ## run every test
	@$(BIN)/python -m pytest -n auto

check: $(READY)  ## format, lint, strict types, and the tests that are not slow
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto -m "not slow and not browser" -q

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

golden: $(READY)  ## rewrite what is generated: schemas, rule pages, sample reports
	@$(BIN)/python tests/golden.py

bench: $(READY)  ## measure; ratios against a reference in the same run
	@$(BIN)/python benchmarks/run.py
	@$(BIN)/python benchmarks/live.py
	@$(BIN)/python benchmarks/history.py
	@$(BIN)/python benchmarks/marks.py
	@$(BIN)/python benchmarks/sarif.py
	@$(BIN)/python benchmarks/lint.py
	@$(BIN)/python benchmarks/checks.py
	@$(BIN)/python benchmarks/impact.py
	@$(BIN)/python benchmarks/arm.py
	@$(BIN)/python benchmarks/terraform.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build node_modules reports/demo
