# make demo: from nothing to a verified bitstream. make test: the tests. Both make .venv first.
.PHONY: demo test test-all lint types clean

demo:
	@scripts/bootstrap.sh
	.venv/bin/locgen demo demo
	@echo "report:    demo/build/report.html"
	@echo "bitstream: demo/build/model.bin"

test:
	@scripts/bootstrap.sh dev
	@$(MAKE) --no-print-directory lint
	.venv/bin/python -m pytest -n 2 -m "not slow"

test-all: test
	.venv/bin/python -m pytest -n 2 -m slow

lint:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types:
	.venv/bin/mypy

clean:
	rm -rf .venv demo build
