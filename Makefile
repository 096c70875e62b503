# Thin names for scripts/bootstrap.py, which also works alone: python3 scripts/bootstrap.py run
PYTHON ?= python3

run test check bench faults setup:
	@exec $(PYTHON) scripts/bootstrap.py $@ $(ARGS)

.PHONY: run test check bench faults setup
