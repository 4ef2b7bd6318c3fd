#!/usr/bin/env bash
# Attacks the built program: mutated files of every kind, kills, limits, closed descriptors, lost terminals, hostile names,
# odd files. Every run must end with a status and a sentence of its own and leave nothing behind.
#   scripts/torture.sh                     build/release/bin/itm, 2,000 mutations and 20 kills, under three minutes
#   ITM=build/asan/bin/itm scripts/torture.sh --mutations 500
#   scripts/torture.sh --hours 8           with new seeds until then
#   scripts/torture.sh --seed S --case mutation/npy/120    one finding again; each prints both
set -euo pipefail
. "$(dirname "$0")/common.sh"

ITM=${ITM:-build/release/bin/itm}
[[ -x $ITM ]] || die "$ITM is not there; build it first (scripts/quickstart.sh), or set ITM"
ITM=$ITM PYTHONDONTWRITEBYTECODE=1 exec python3 tests/torture/torture.py "$@"
