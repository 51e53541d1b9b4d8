# Windlass: the two commands are `make demo` and `make test`; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# See bin/windlass.js: starts take a third of the time.
export NODE_COMPILE_CACHE ?= $(CURDIR)/.cache/compile

# The Node.js that npm installed beside the project; machines it has no build for use their own (24 or later).
NODE = $$(test -x node_modules/.bin/node && echo node_modules/.bin/node || echo node) --disable-warning=ExperimentalWarning
READY = node_modules/.package-lock.json
STORY ?= jobs

.PHONY: help demo test check generate format bench clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

demo: $(READY) ## Tell the main story on real input (STORY=jobs, the default, or STORY=functions)
	@$(NODE) src/cli/main.ts demo $(STORY)

test: $(READY) ## Run every check and every test
	@$(NODE) tools/test.ts

check: $(READY) ## Types, lint, layers and generated files, without the tests
	@$(NODE) tools/test.ts --only-checks

generate: $(READY) ## Write everything that is derived from declarations: CRDs, schemas, reference pages
	@$(NODE) tools/generate.ts

format: $(READY) ## Format and mend what the linter can mend
	@node_modules/.bin/biome check --write .

bench: $(READY) ## Measure: each figure next to its target
	@$(NODE) test/bench/run.ts

clean: ## Remove what was installed and built
	rm -rf node_modules .cache dist coverage

# Installs once, and again when the lockfile changed. The log is shown only when it failed.
$(READY): package-lock.json
	@echo "Installing packages (once; about a minute) ..."
	@mkdir -p .cache
	@npm ci --loglevel=error --no-fund --no-audit >.cache/npm-ci.log 2>&1 || { cat .cache/npm-ci.log; \
	  echo "npm ci failed. It needs Node.js 20 or later with npm 10 or later and a reachable package registry."; exit 1; }
	@touch $(READY)
