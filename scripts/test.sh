#!/usr/bin/env bash
# Everything quickstart.sh does, then every test, then a program that uses the installed library.
# The last line says how many tests passed, failed and were skipped; the exit status is 0 only if none failed.
set -euo pipefail
. "$(dirname "$0")/common.sh"
trap summary EXIT

scripts/quickstart.sh

say "Building everything (preset release)"
build release

say "Running the tests"
run_tests release

say "Installing into a temporary prefix and building examples/embed against it"
prefix=$(mktemp -d)
embed() {
  cmake --install build/release --prefix "$prefix/itm" &&
    cmake -S examples/embed -B "$prefix/embed" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix/itm" &&
    cmake --build "$prefix/embed"
}
quietly build/embed.log embed
if "$prefix/embed/rank_my_zoo" examples/glyphs examples/glyphs/ground_truth.csv; then
  passed=$((passed + 1))
else
  failed=$((failed + 1))
fi
rm -rf "$prefix"
