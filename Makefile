# make demo: from nothing to a verified bitstream. make test: the tests. Both make .venv first.
.PHONY: demo test test-all ready lint clean
# Tests that share a compiled model or a build keep together on one of the two workers.
PYTEST = .venv/bin/python -m pytest -n 2

demo:
	@scripts/bootstrap.sh
	.venv/bin/locgen demo demo
	@echo "report:    demo/build/report.html"
	@echo "bitstream: demo/build/model.bin"

test: lint
	$(PYTEST) -m "not slow"

test-all: lint
	$(PYTEST)

ready:
	@scripts/bootstrap.sh dev

lint: ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

clean:
	rm -rf .venv demo build
