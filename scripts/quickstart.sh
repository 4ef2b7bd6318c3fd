#!/usr/bin/env bash
# From a fresh clone to a ranked zoo: installs what is missing, builds the program, ranks examples/glyphs on every data set
# it has ground truth for. Can be run again at any time.
set -euo pipefail
. "$(dirname "$0")/common.sh"

scripts/setup.sh

say "Building build/release/bin/itm"
configure release
build release itm_cli

say "Ranking examples/glyphs: twelve models, how well will each do after fine-tuning?"
build/release/bin/itm rank examples/glyphs --truth examples/glyphs/ground_truth.csv

cat <<'EOF'

Next: look at a zoo before you rank it,
  build/release/bin/itm inspect examples/glyphs
or rank your own, {model}_{dataset}_feature.npy and {model}_{dataset}_label.npy in one folder:
  build/release/bin/itm rank YOUR_ZOO --format json --out ranking.json
EOF
