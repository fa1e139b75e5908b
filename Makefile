# The verbs of this repository; "make" lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO    ?= go
PEERS := $(CURDIR)/bin/peers
LINT  := $(GO) tool -modfile=$(CURDIR)/tools/go.mod golangci-lint

# How long "make test" tries each fuzz target, and how long "make fuzz" and
# "make soak" run in all; override as in: make fuzz FUZZ=10m.
QUICK ?= 1s
FUZZ  ?= 5m
SOAK  ?= 1h
# How often "make soak" kills a node at random; the test command does it 5 times.
KILLS ?= 100
# "tests" leaves out the peers that only benchmarks need.
FOR   ?=

.PHONY: help build run test lint fuzz soak bench peers clean

help: ## list the verbs
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r verb says; do printf '  make %-7s %s\n' "$$verb" "$$says"; done

build: ## build the static binary bin/tocsin
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=auto -o bin/tocsin ./cmd/tocsin

run: build ## watch the sample day of a company with our own rules and print what is found
	bin/tocsin watch samples/company-day.tar.zst

# Conformance tests go through hundreds of megabytes of other people's data:
# without the race detector, which the tests of concurrency have, and with what
# they counted.
test: ## run all tests, most with the race detector, then every fuzz target briefly
	GO='$(GO)' .ci/race -timeout 20m -skip '^TestConformance' ./...
	$(GO) test -v -timeout 10m -run '^TestConformance' ./... | grep -Ev '^(=== | *--- PASS|PASS$$|testing: warning|ok .*no tests to run|\?)'
	.ci/fuzz $(QUICK)

lint: ## check format, vet, linters, go.mod files and generated files
	$(GO) vet ./...
	$(LINT) run ./...
	cd bench && $(GO) vet ./... && $(LINT) run --config ../.golangci.yml ./...
	for module in . bench; do (cd $$module && $(GO) mod tidy -diff); done
	.ci/generated

fuzz: ## run every fuzz target for FUZZ (5m) each
	.ci/fuzz $(FUZZ)

soak: ## kill a node KILLS (100) times, then run all tests shuffled for SOAK (1h)
	.ci/soak $(SOAK) $(KILLS)

bench: build ## measure against peers and print the ratios, from one run
	cd bench && $(GO) run . -product ../bin/tocsin -peers $(PEERS)
	$(GO) test -run '^$$' -bench MillionIncidents -benchtime 100x -timeout 3h ./incident
	$(GO) test -run '^$$' -bench MillionPending -benchtime 5x -timeout 1h ./internal/timer

peers: ## install into bin/peers the programs that conformance tests and benchmarks compare with
	.ci/peers $(PEERS) $(FOR)

clean: ## remove what make built; peers and Go's caches stay
	rm -rf bin/tocsin dist
