# make book · make pdf · make workshop · make check · make test · make bench · make figure · make paper · make notebooks · make environment ·
# make clean. Each makes the environment first if it is missing.
.DEFAULT_GOAL := book
PRESET ?= smoke
DEVICE ?= cpu
PYTHON ?= python3
BIN := .venv/bin

.PHONY: book pdf workshop check test bench figure paper notebooks environment clean
environment: .make/environment

book: .make/environment
	@$(BIN)/python book/build.py --preset $(PRESET)

pdf: .make/environment
	@$(BIN)/python book/pdf.py

workshop: .make/environment
	@$(BIN)/python book/handout.py

test: .make/environment
	@echo "Running all tests; make check is the quick part of them."
	@$(BIN)/python -m pytest -n auto --dist worksteal

check: .make/environment
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@$(BIN)/mypy procmod_lib
	@$(BIN)/python -m pytest tests/initial tests/report tests/experiments tests/findings tests/tasks tests/network/test_inside.py tests/project/test_house.py procmod_lib -m "not slow"

bench: .make/environment
	@echo "Measuring speed side by side: about 5 minutes on two cores (10 with PEERS=1); leave the machine alone meanwhile."
	@$(BIN)/python bench/run.py $(if $(PEERS),--peers)

figure: .make/environment
	@$(BIN)/python book/figure.py

paper: .make/environment
	@$(BIN)/python -m procmod_lib agenda --store published --device $(DEVICE) $(if $(TIME),--time-budget $(TIME)); \
	code=$$?; $(BIN)/python -m procmod_lib pack --store published; exit $$code

.make/environment: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is older or missing. Try: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import shutil, sys; sys.exit(shutil.disk_usage(".").free < 4e9)' || { echo "At least 4 GB of free disk are needed for the environment; 7 GB where pip takes PyTorch with NVIDIA's libraries."; exit 1; }
	@echo "Making .venv from requirements.txt: 2 GB of packages; pip says nothing until it is done."
	@$(PYTHON) -m venv .venv || { echo "Python's venv module is missing (on Debian: apt-get install python3-venv)."; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt || { echo "The packages could not be installed: is the package index reachable?"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@mkdir -p .make && touch $@

notebooks: .make/environment
	@$(BIN)/python notebooks/sync.py

clean:
	rm -rf book/_build book/generated .make .venv  # not store: what was trained stays
