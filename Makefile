# make lab | start | test | test-real | chapters | check | bench | lock |
#      book-setup | book | book-nets | test-browser | test-colab | test-floors.
# Every target makes the environment it needs.
# Another Python: make lab PY=python3.12.  Small install without GPU packages
# (untested): make lab TORCH_BACKEND=cpu.

PY ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP = $(BIN)/python -m pip install -q --disable-pip-version-check
TORCH_BACKEND ?=
PORTABLE := env -u COURSE_DATA -u COURSE_WORLD -u COURSE_DEVICE -u COURSE_SOURCE \
	CUDA_VISIBLE_DEVICES= OMP_NUM_THREADS=1
PYTEST := $(BIN)/python -m pytest -q -rs -n 2 --dist loadscope

.PHONY: lab start test test-real chapters check bench lock book-setup book book-nets \
	test-browser test-colab test-floors

lab: start
	$(BIN)/jupyter lab --ServerApp.root_dir=. \
		--LabApp.default_url=/lab/tree/my/00_start_here.ipynb

start: $(VENV)/.ready
	@$(BIN)/python -m course_lib start

test: $(VENV)/.ready
	$(PORTABLE) $(PYTEST) --nbval tests chapters

test-real: $(VENV)/.ready
	@test -d "$(COURSE_DATA)" || { echo "make test-real needs the folder of \
	real data: make test-real COURSE_DATA=path"; exit 1; }
	OMP_NUM_THREADS=1 COURSE_DATA="$(abspath $(COURSE_DATA))" COURSE_WORLD=real \
		$(PYTEST) --nbval-lax --nbval-cell-timeout=600 chapters
	OMP_NUM_THREADS=1 COURSE_DATA="$(abspath $(COURSE_DATA))" $(PYTEST) -m real tests

chapters: $(VENV)/.ready
	$(BIN)/python chapters/make.py $(ONLY)

check: $(VENV)/.ready
	$(BIN)/python -m ruff check .
	$(BIN)/python chapters/make.py --check $(ONLY)

BENCH ?= tests/benchmarks
bench: $(VENV)/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -s -o python_files='bench_*.py' \
		--benchmark-json=$(VENV)/benchmarks.json $(BENCH)

lock: $(VENV)/.ready
	$(BIN)/uv pip compile pyproject.toml --extra bench --extra data \
		--universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header -q -o requirements.lock
	cd chapters/book && ../../$(BIN)/uv pip compile requirements.in --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header -q -o requirements.lock

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "The course needs Python 3.11 or newer and $(PY) is not: install" \
		"one and name it, like make lab PY=python3.12"; exit 1; }
	$(PY) -m venv $(VENV)
	$(PIP) uv
ifeq ($(TORCH_BACKEND),)
	$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes \
		-r requirements.lock || { echo "uv could not; pip tries, which takes \
		some minutes"; $(PIP) --require-hashes -r requirements.lock; }
else
	sed -e '/--hash=/d' -e 's/ *\\$$//' requirements.lock > $(VENV)/constraints.txt
	UV_TORCH_BACKEND=$(TORCH_BACKEND) $(BIN)/uv pip install -q \
		--python $(BIN)/python -c $(VENV)/constraints.txt -e '.[bench,data]'
endif
	$(PIP) --no-deps --no-build-isolation -e .
	touch $@

# The web book: book-setup fetches what builds it, book builds it without a network.
BOOK := .venv-book
PAGES := chapters/book/_build
book-setup: $(BOOK)/.ready
	$(BOOK)/bin/python chapters/book/runtime.py

$(BOOK)/.ready: chapters/book/requirements.lock
	$(PY) -m venv $(BOOK)
	$(BOOK)/bin/python -m pip install -q --disable-pip-version-check uv
	$(BOOK)/bin/uv pip install -q --python $(BOOK)/bin/python --require-hashes \
		-r chapters/book/requirements.lock
	touch $@

# The graphs of the nets that run in the book; once, when one of them changes.
book-nets: $(VENV)/.ready
	$(BIN)/python chapters/book/export_nets.py

book:
	@test -e $(BOOK)/.ready || { echo "first: make book-setup"; exit 1; }
	rm -rf $(PAGES)/html
	$(BOOK)/bin/python chapters/book/stage.py $(PAGES)/source
	COURSE_BOOK="$(CURDIR)/chapters/book" $(BOOK)/bin/python -m sphinx -q -W \
		--keep-going -j auto -b html $(PAGES)/source $(PAGES)/html
	@echo "open $(PAGES)/html/index.html"

# The book, and JupyterLab with the learner's environment, in Chromium.
test-browser: $(VENV)/.ready
	@test -e $(BOOK)/.ready || { echo "first: make book-setup book"; exit 1; }
	COURSE_VENV=$(abspath $(VENV)) $(PORTABLE) $(BOOK)/bin/python -m pytest -q -rs \
		-o addopts= -p no:cacheprovider -n 2 --durations=5 tests/browser

# A real environment with Colab's versions (uv fetches Python 3.13 where there is
# none, or name one: COLAB_PY=path), and in it every chapter alone in an empty
# folder; with the newest ipywidgets 8: make test-colab COLAB_WIDGETS=8. A simulation,
# 5 GB, some ten minutes; not for every day.
COLAB := .venv-colab
COLAB_PY ?= 3.13
COLAB_WIDGETS ?= 7.7.1
test-colab: $(VENV)/.ready
	$(BIN)/uv venv -q --allow-existing --python $(COLAB_PY) $(COLAB)
	$(BIN)/uv pip install -q --python $(COLAB)/bin/python torch torchvision \
		ipywidgets ipykernel matplotlib numpy scikit-image pooch pillow \
		nbclient tqdm safetensors pycocotools -c tests/colab-constraints.txt
	$(BIN)/uv pip install -q --python $(COLAB)/bin/python \
		'ipywidgets==$(COLAB_WIDGETS).*'
	$(PORTABLE) COLAB_PYTHON=$(abspath $(COLAB)/bin/python) \
		$(BIN)/python -m pytest -q -rs tests/test_colab.py

# The tests on the oldest versions that pyproject.toml allows. Several GB.
FLOORS := .venv-floors
test-floors: $(VENV)/.ready
	$(BIN)/uv venv -q --allow-existing --python 3.11 $(FLOORS)
	$(BIN)/uv pip install -q --python $(FLOORS)/bin/python \
		--resolution lowest-direct -e '.[bench,data]'
	$(PORTABLE) $(FLOORS)/bin/python -m pytest -q -rs -n 2 --dist loadscope tests
