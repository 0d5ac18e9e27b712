# Two commands: `make app` runs the app, `make test` checks everything.
PYTHON ?= python3
# On Linux without an NVIDIA card, `make app TORCH=cpu` takes PyTorch's much smaller CPU build.
TORCH ?= default
BIN := .venv/bin
CODE := app.py exchange htr segmentation storage services synthesis ui training benchmarks
# Threads that spin while they wait make a busy machine many times slower.
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: app test test-slow lint types setup-browser screenshots bench-segmentation bench-finetune bench-decoding bench-recognition bench-line-rivals bench-memory bench-autosave bench-keystrokes bench-search clean

app: .venv/app-installed
	$(BIN)/python app.py

# A process a core, a file each at a time; browsers wait more than they compute, but need room: two at once.
test: lint types setup-browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" --ignore tests/browser \
	  -n auto --maxprocesses 4 --dist loadfile
	$(BIN)/python -m pytest -m "not slow" tests/browser -n auto --maxprocesses 2 --dist loadfile

test-slow: .venv/dev-installed setup-browser
	$(BIN)/python -m pytest -m slow

lint: .venv/dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev-installed
	$(BIN)/mypy

# An installed Chromium, else Debian's package where we may install it, else Playwright's own.
setup-browser: .venv/dev-installed
	$(BIN)/python tests/browser/setup_browser.py

# The pictures of the README, made by the app from pages that it draws itself.
screenshots: .venv/dev-installed setup-browser
	$(BIN)/python -m pytest tests/browser -k screenshots --screenshots-to docs/pictures

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "HTR Desk needs Python 3.11, 3.12 or 3.13; $(PYTHON) is `$(PYTHON) -V`. Try: make app PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/torch-installed: .venv/bin/python
ifeq ($(TORCH),cpu)
	$(BIN)/python -m pip install --index-url https://download.pytorch.org/whl/cpu `grep '^torch==' requirements.txt`
endif
	@touch $@

.venv/app-installed: requirements.txt .venv/torch-installed
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/dev-installed: requirements-dev.txt .venv/app-installed
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# Ours and the rivals over the same pages: one table, which is also written below test-artefacts.
# RIVALS=none, LIMIT=20 (pages), KRAKEN_EVERY=3 (pages) and PAGES=other.zip make it shorter or other.
PAGES ?= ../shared/data/pages-test.zip
RIVALS ?= kraken,rapidocr
LIMIT ?=
KRAKEN_EVERY ?= 1
RIVALS_ENVIRONMENT := $(if $(filter none,$(RIVALS)),,.venv-rivals/installed)

bench-segmentation: .venv/app-installed $(RIVALS_ENVIRONMENT)
	$(BIN)/python -m benchmarks.segmentation $(PAGES) --rivals $(RIVALS) \
	  $(if $(LIMIT),--limit $(LIMIT)) --kraken-every $(KRAKEN_EVERY) --out test-artefacts/segmentation

# The shipped model fine-tuned on more and more lines of hands that it never saw. A benchmark that was
# stopped goes on. DATA=other.zip, JOBS=2 (side by side), SIZES=8,64 and SEEDS=1 change it.
DATA ?= ../shared/data/lines-adapt.zip
REFERENCE ?= ../shared/data/lines-test.zip
SIZES ?= 8,16,32,64,128
SEEDS ?= 1,2,3
JOBS ?= 1

bench-finetune: .venv/app-installed
	$(BIN)/python -m benchmarks.finetune $(DATA) --reference $(REFERENCE) --sizes $(SIZES) \
	  --seeds $(SEEDS) --jobs $(JOBS) --out test-artefacts/finetune \
	  --picture docs/pictures/finetune-curve.png

# Greedy reading against beam search with a language model, and what confidences are worth.
# LINES=folder holds lines-train.zip, lines-val.zip and lines-test.zip.
LINES ?= ../shared/data

bench-decoding: .venv/app-installed
	$(BIN)/python -m benchmarks.decoding --train $(LINES)/lines-train.zip \
	  --tune $(LINES)/lines-val.zip --test $(LINES)/lines-test.zip --out test-artefacts/decoding

# Twenty people who type at once, and the database compared with what was acknowledged to them.
EDITORS ?= 20
SAVES ?= 100000

bench-autosave: .venv/app-installed
	$(BIN)/python -m benchmarks.autosave --editors $(EDITORS) --saves $(SAVES) \
	  --out test-artefacts/autosave

# Lines and pages a second: our path beside the plain one, for the published network and the shipped
# model. RECOGNITION=other.zip, FULL=16 (lines) and READ_PAGES=1000 change it.
RECOGNITION ?= ../shared/data/lines-test.zip
FULL ?= 64
READ_PAGES ?= 40

bench-recognition: .venv/app-installed
	$(BIN)/python -m benchmarks.recognition $(RECOGNITION) --full $(FULL) --pages $(READ_PAGES) \
	  --out test-artefacts/recognition

# Our shipped model beside other line recognisers, whose packages are found behind the app's own; those
# of TrOCR contradict kraken's and lie in a folder of their own. RIVAL_LINES=24 (lines).
RIVAL_LINES ?= 24

bench-line-rivals: .venv-rivals/installed .venv-rivals/trocr
	$(BIN)/python -m benchmarks.recognition_rivals $(RECOGNITION) --count $(RIVAL_LINES) \
	  --packages .venv-rivals/trocr --packages .venv-rivals/lib/python*/site-packages

.venv-rivals/trocr: .venv-rivals/installed
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --target $@ \
	  transformers==5.24.0 tokenizers==0.23.3

# The memory of the app while it reads: pages as people scan them, then many small ones.
bench-memory: .venv/app-installed
	$(BIN)/python -m benchmarks.memory --pages 100 --lines 30 --out test-artefacts/memory
	$(BIN)/python -m benchmarks.memory --pages 1000 --lines 2 --width 500 --height 240 \
	  --out test-artefacts/memory

# How long a search takes among LINES_TO_SEARCH generated lines; the database is kept for next time.
LINES_TO_SEARCH ?= 1000000

bench-search: .venv/app-installed
	$(BIN)/python -m benchmarks.search --lines $(LINES_TO_SEARCH)

# Thirty lines corrected key by key in Chromium, and the keys that eScriptorium's editor takes.
bench-keystrokes: .venv/dev-installed setup-browser
	$(BIN)/python -m benchmarks.keystrokes $(LINES)/lines-test.zip --out test-artefacts/keystrokes

# Without its rivals the benchmark still runs ours, and says why the others are missing.
.venv-rivals/installed: benchmarks/requirements-rivals.txt .venv/bin/python
	test -x .venv-rivals/bin/python || $(BIN)/python -m venv .venv-rivals
ifeq ($(TORCH),cpu)
	.venv-rivals/bin/python -m pip install -q --disable-pip-version-check \
	  --index-url https://download.pytorch.org/whl/cpu `grep -o '^torch[^ ]*' $<`
endif
	.venv-rivals/bin/python -m pip install -q --disable-pip-version-check -r $< && touch $@ || \
	  echo "The rivals could not be installed; see above."

clean:
	rm -rf .venv .venv-rivals test-artefacts .pytest_cache .mypy_cache .ruff_cache
