# Every target that has a line of help shows it in `make help`.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

# Tests that need a or minutes. They have the machine to themselves, for some compare how long answers
# take; `make check` leaves them out of -race.
HEAVY := barillet/e2e

TEST_TIMEOUT ?= 20m
FUZZTIME ?= 20s
BENCHTIME ?= 1s
STORE ?= /var/tmp/barillet-million
PEOPLE ?= 1000000
EVENTS ?= 5000000
KILLS ?= 200
MUTANTS ?= 6

# Without the paths of this directory in them, packages that were compiled in another copy are not compiled again: otherwise each
# copy that a machine tests adds hundreds of megabytes to its build cache.
export GOFLAGS := $(filter-out -trimpath,$(shell go env GOFLAGS)) -trimpath

# The program may have this many bytes (docs/performance.md).
MAXSIZE := 32000000

.PHONY: help run build size test tools check format vet staticcheck race vuln sample mutants bench million fuzz torture release

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build, then serve the sample garage on http://localhost:8080
	bin/barillet serve --demo

build: ## build the static program into bin/
	CGO_ENABLED=0 go build -ldflags='-s -w' -o bin/barillet ./cmd/barillet

size: build
	@size=$$(wc -c < bin/barillet); if [ "$$size" -gt $(MAXSIZE) ]; then echo "bin/barillet has $$size bytes, more than $(MAXSIZE)"; exit 1; fi

test: tools ## install what the tests need (Debian, root) or say what is missing, then run them all
	go test -timeout $(TEST_TIMEOUT) $$(go list ./... | grep -Fvx '$(HEAVY)')
	go test -timeout $(TEST_TIMEOUT) $(HEAVY)
	go -C release test -timeout $(TEST_TIMEOUT) ./...

tools:
	e2e/install-tools.sh

check: format vet staticcheck size race vuln sample ## formatting, vet, staticcheck, size of the program, imports, licences, race detector, known vulnerabilities, a few mutants

format:
	@unformatted=$$(git ls-files --cached --others --exclude-standard '*.go' | xargs -r gofmt -l); \
	if [ -n "$$unformatted" ]; then echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; fi

vet:
	go vet ./...
	go -C e2e/clients vet ./...
	go -C release vet ./...

staticcheck:
	go tool staticcheck ./...
	checker=$$(go tool -n staticcheck); (cd e2e/clients; "$$checker" ./...); cd release; "$$checker" ./...

# The package at the root holds the tests of the imports and of the licences,
# so that they run here without a browser.
race: tools
	go test -race -timeout $(TEST_TIMEOUT) $$(go list ./... | grep -Fvx '$(HEAVY)')

# docs/release.md tells what the variables name.
release: ## build a signed release of the commit into dist/ (needs RELEASE_KEY, BUILDER and VULNDB)
	go -C release run . build $(if $(RELEASE_KEY),-key '$(abspath $(RELEASE_KEY))') $(if $(BUILDER),-builder '$(BUILDER)') \
	  $(if $(UNSIGNED),-unsigned) $(if $(VULNDB),-vulndb '$(VULNDB)') $(if $(NO_VEX),-no-vex) $(if $(TARGETS),-targets '$(TARGETS)') \
	  $(if $(MAINTAINER),-maintainer '$(MAINTAINER)') -out '$(CURDIR)/dist'

# The caller names the database of vulnerabilities: a check that silently asks
# the network is not repeatable.
vuln:
ifdef VULNDB
	govulncheck -db '$(VULNDB)' ./...
else
	@echo 'known vulnerabilities: not checked, VULNDB is not set'
endif

mutants: ## change each listed guard in turn; fail if no test notices
	go run ./e2e/mutants

# The commit chooses the mutants, so that a repeat tests the same ones.
sample:
	go run ./e2e/mutants -sample $(MUTANTS) -seed "$$(git rev-parse HEAD)"

bench: tools ## run the benchmarks, then show every ratio to a floor or limit beside its target
	@out=$$(mktemp); trap 'rm -f "$$out"' EXIT; \
	go test -run '^$$' -bench . -skip 'Seed|Million' -benchmem -benchtime $(BENCHTIME) -timeout 60m $$(go list ./... | grep -Fvx '$(HEAVY)') | tee "$$out"; \
	awk -f docs/performance.awk "$$out"

million: tools ## seed STORE with PEOPLE and EVENTS (1000000 and 5000000), or use it again, and time every request against it
	@mkdir -p '$(STORE)'; export STORE='$(STORE)' PEOPLE='$(PEOPLE)' EVENTS='$(EVENTS)'; \
	out=$$(mktemp); trap 'rm -f "$$out"' EXIT; \
	[ -e '$(STORE)/seeded.json' ] || GOGC=200 go test ./authn/authntest -run '^$$' -bench Seed -benchtime 1x -timeout 60m; \
	go test ./web/api -run '^$$' -bench 'Million$$' -benchtime 1x -timeout 60m | tee "$$out"; \
	go test ./web -run '^$$' -bench AtMillion -benchtime $(BENCHTIME) -timeout 60m | tee -a "$$out"; \
	awk -f docs/performance.awk "$$out"

fuzz: ## run every fuzz target for FUZZTIME (20s)
	@for package in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' "$$package" | grep '^Fuzz' || true); do \
	    echo "$$package $$target"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package"; \
	  done; \
	done

torture: tools ## the full counts: KILLS kills (200), a taste of every fuzz target, all mutants, the race detector over all
	BARILLET_TORTURE=1 BARILLET_KILLS=$(KILLS) go test -count=1 -timeout 120m ./...
	$(MAKE) fuzz FUZZTIME=3s
	$(MAKE) mutants
	go test -race -timeout 60m ./...
