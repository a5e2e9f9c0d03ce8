# Two commands: make demo, make test. Everything else is for people who work on Guestlist.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: demo test venv lint bench bench-lists pages docs lock clean

demo: venv ## run the whole main job against the built-in Graph API emulator
	@$(BIN)/guestlist demo

test: venv ## run the whole test suite on the embedded default
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal

venv: $(STAMP) ## build the environment alone

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Guestlist needs Python 3.11 or newer; set PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

lint: venv ## style, types, import rules
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: venv ## print every number the README quotes, as ratios within one run
	@$(BIN)/python -m benchmarks

bench-lists: venv ## the list part of the benchmarks: speed, phones, fuzz, memory, kills (some minutes)
	@$(BIN)/python -m benchmarks lists

# Each page that is made from the code, and what makes it.
PAGES := cli=cli.reference email=channels.email.handbook events=outbound.reference graph-errors=graph.errors http-api=api.handbook \
  messenger=channels.messenger.handbook reject-codes=lists.rejects_page settings=settings sms=channels.sms.handbook

pages: venv ## make the pages of docs/reference anew that are made from the code
	@for page in $(PAGES); do \
	  $(BIN)/python -m "guestlist.$${page#*=}" > .page && mv .page "docs/reference/$${page%%=*}.md" || { rm -f .page; exit 1; }; \
	done

docs: venv ## build the documentation site into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

lock: venv ## resolve requirements.lock anew from pyproject.toml (needs uv)
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  --group pyproject.toml:dev pyproject.toml -o requirements.lock

clean: ## remove what the commands above made
	@rm -rf $(VENV) site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
