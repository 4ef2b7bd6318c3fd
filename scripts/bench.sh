#!/usr/bin/env bash
# Builds, makes a Python with bench/requirements.txt (from PyPI) under build/, and compares: scripts/bench.sh [--quick]
# Results go to bench/results/.
set -euo pipefail
. "$(dirname "$0")/common.sh"

scripts/setup.sh
say "Building (preset release)"
configure release
build release itm_cli
build release itm_bench

if ! cmp --silent bench/requirements.txt build/bench-python/requirements.txt; then
  say "Making build/bench-python with $(tr '\n' ' ' <bench/requirements.txt)"
  python3 -m venv build/bench-python
  quietly build/bench-python.log build/bench-python/bin/pip install --requirement bench/requirements.txt
  cp bench/requirements.txt build/bench-python/
fi

say "ITM here against ITM in PyTorch"
build/bench-python/bin/python bench/itm_vs_torch.py build/release/bin/itm build/release/bin/itm_bench \
  --out bench/results/itm_vs_torch.json "$@"

say "Every other method against its published algorithm"
build/bench-python/bin/python bench/methods_vs_published.py build/release/bin/itm \
  --out bench/results/methods_vs_published.json "$@"

say "Forms of the recurrence; models in parallel against BLAS in parallel"
build/release/bin/itm_bench --benchmark_out=bench/results/itm_bench.json --benchmark_out_format=json
