# Everything here is a short name for a command; `./run` and `./test` work without make.
.DEFAULT_GOAL := help
PYTHON = .venv/bin/python

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: ## Start Consult on this machine (PORT=, DEMO=0, DEMO=reset)
	@./run

.PHONY: test
test: ## Check and test everything (T="tests/concept -k name" for a part, DB=postgres)
	@./test $(T)

.PHONY: check
check: ## Format, lint, types, import directions, catalogues, templates: no tests
	@./test --checks

.PHONY: fmt
fmt: ## Format the code and mend what the linter can mend
	@$(PYTHON) -m ruff check --fix --quiet . ; $(PYTHON) -m ruff format .

.PHONY: bench
bench: ## Measure against the floors (W=W1,W4 selects); writes bench-results/latest.json
	@W="$(W)" $(PYTHON) -m bench

.PHONY: drill
drill: ## Long fault rows (D=A1 selects); writes drill-results/latest.json
	@D="$(D)" $(PYTHON) -m bench.drill

.PHONY: migration
migration: ## Write a migration from the models: make migration m="add ballot"
	@test -n "$(m)" || { echo 'Say what it does: make migration m="add ballot"'; exit 2; }
	@$(PYTHON) -m flask --app wsgi db migrate -m "$(m)"

.PHONY: messages
messages: ## Extract texts from code and templates, update and compile the catalogues
	@$(PYTHON) -m deploy.messages update

.PHONY: lock
lock: ## Lock the dependencies again after a change of requirements*.in (needs uv)
	@for lock in requirements requirements-dev requirements-servers; do \
	    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	        --no-header --strip-extras $(UPGRADE) $$lock.in -o $$lock.txt; done
