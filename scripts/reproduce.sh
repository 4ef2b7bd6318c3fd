#!/usr/bin/env bash
# The paper's experiments on the bundled zoo: every method against the truth, every ablation. Minutes on 2 cores.
#   scripts/reproduce.sh [FOLDER]    results go to FOLDER, or build/reproduce: a page (.html), JSON and text of each
# An interrupted run goes on where it was: rankings of the ablations are kept in FOLDER/*.jsonl.
set -euo pipefail
. "$(dirname "$0")/common.sh"

out=${1:-build/reproduce}
zoo=(examples/glyphs --truth examples/glyphs/ground_truth.csv)
mkdir -p "$out"

scripts/setup.sh
configure release
build release itm_cli
itm=build/release/bin/itm

say "Every method"
"$itm" rank "${zoo[@]}" --method all --bootstrap 1000 --html "$out/methods.html" | tee "$out/methods.txt"

for ablation in batch-size standardise centres steps eta; do
  say "Ablation $ablation"
  "$itm" ablate "$ablation" "${zoo[@]}" --journal "$out/$ablation.jsonl" --html "$out/$ablation.html" | tee "$out/$ablation.txt"
  "$itm" ablate "$ablation" "${zoo[@]}" --journal "$out/$ablation.jsonl" --out "$out/$ablation.json"
done
say "Results are in $out"
