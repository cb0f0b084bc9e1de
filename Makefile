# Each target sets up what it needs in .venv on a fresh machine; make and Python 3.11 or newer must be there, which the
# versions in constraints.txt need (the package itself runs on 3.10).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := runs/$(shell date +%Y-%m-%d_%H-%M-%S)
ARTICLE ?=
MODEL ?=

.PHONY: help train test lint bench package ui clean

help:
	@echo "make train    fine-tune, evaluate, export and tag an article (ARTICLE=path, or - for standard input)"
	@echo "make test     run the fast tests"
	@echo "make lint     check style and types"
	@echo "make bench    measure speed against transformers.pipeline and a bare PyTorch loop"
	@echo "make package  build the wheel with the model inside (MODEL=directory or models:/hadath@champion: that one)"
	@echo "make ui       open the MLflow page with all runs"

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[train,batch,ray,serve,spacy,sweep,annotations,gazetteer,dev]'
	@touch $@

train: $(VENV)/installed
	$(BIN)/python -m training.finetune output_dir=$(RUN)
	$(BIN)/python -m training.export model=$(RUN)/model
	$(BIN)/python -m training.evaluate model=$(RUN)/package
	$(BIN)/python -m training.summary $(RUN) --article="$(ARTICLE)"

test: $(VENV)/installed
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

lint: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/installed
	$(BIN)/python -m training.benchmark

package: $(VENV)/installed
	$(if $(MODEL),$(BIN)/python -m training.bundle $(MODEL))
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

ui: $(VENV)/installed
	$(BIN)/mlflow ui --backend-store-uri sqlite:///mlflow.db

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis
