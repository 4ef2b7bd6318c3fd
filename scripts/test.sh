#!/usr/bin/env bash
# Everything quickstart.sh does, then every test, a program that uses the installed library, and the tests of the Python package.
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
rm -rf build/embed
embed() {
  cmake --install build/release --prefix "$root/build/embed/prefix" &&
    cmake -S examples/embed -B build/embed/program -G Ninja -DCMAKE_BUILD_TYPE=Release \
      -DCMAKE_PREFIX_PATH="$root/build/embed/prefix" &&
    cmake --build build/embed/program
}
quietly build/embed.log embed
if build/embed/program/rank_my_zoo examples/glyphs examples/glyphs/ground_truth.csv && build/embed/program/rank_arrays; then
  passed=$((passed + 1))
else
  failed=$((failed + 1))
fi

scripts/python.sh 2>&1 | tee build/python-tests.log || true
add_counts build/python-tests.log
