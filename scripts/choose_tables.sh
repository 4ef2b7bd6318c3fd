#!/usr/bin/env bash
# Evaluates `itm choose` on every table of examples/truth and prints the table of docs/choose.md:
#   ITM=build/release/bin/itm scripts/choose_tables.sh [--choices N]
set -euo pipefail
. "$(dirname "$0")/common.sh"

itm=${ITM:-build/release/bin/itm}
[[ -x $itm ]] || die "$itm is not there; build it first (scripts/quickstart.sh) or name it in ITM"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for truth in examples/truth/*.csv; do
  name=$(basename "$truth" .csv)
  if [[ $name == *_scores || $name == *_models ]]; then continue; fi
  more=()
  if [[ -f examples/truth/${name}_scores.csv ]]; then more+=(--scores "examples/truth/${name}_scores.csv"); fi
  "$itm" evaluate "$truth" "${more[@]}" "$@" --quiet --out "$folder/$name.json"
done
python3 scripts/choose_tables.py "$folder"
