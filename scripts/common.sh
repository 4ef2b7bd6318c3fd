# shellcheck shell=bash
# Shared by the scripts of this folder; sourced after `set -euo pipefail`. Leaves the caller in the project's root.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

jobs=${ITM_JOBS:-$(nproc)}
passed=0
failed=0
skipped=0

say() { printf '\n==> %s\n' "$*"; }

die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# quietly LOG COMMAND...: the output goes to LOG and is shown only when the command fails.
quietly() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  if ! "$@" >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    die "failed: $* (everything it said is in $log)"
  fi
}

# configure PRESET: ITM_WERROR=ON in the environment turns warnings into errors (continuous integration does).
configure() {
  local options=()
  if [[ -n ${ITM_WERROR:-} ]]; then options+=("-DITM_WERROR=$ITM_WERROR"); fi
  quietly "build/$1.configure.log" cmake --preset "$1" "${options[@]}"
}

# build PRESET [TARGET...]
build() {
  local preset=$1
  shift
  local only=()
  if (($# > 0)); then only=(--target "$@"); fi
  cmake --build --preset "$preset" --parallel "$jobs" "${only[@]}"
}

# run_tests PRESET: runs ctest and adds to passed, failed and skipped.
run_tests() {
  local preset=$1 junit=$root/build/$1/junit.xml status=0
  rm -f "$junit"
  ctest --preset "$preset" --parallel 2 --output-junit "$junit" || status=$?
  local run=0 bad=0 left=0
  if [[ -f $junit ]]; then
    run=$(grep -c '<testcase .*status="run"' "$junit" || true)
    bad=$(grep -c '<testcase .*status="fail"' "$junit" || true)
    # A test that asks to be skipped is one thing; a program that was not built is a failure.
    left=$(grep -c '<testcase .*status="\(notrun\|disabled\)"' "$junit" || true)
    local absent
    absent=$(grep -c '<skipped message="\(Unable to find\|Required Files\|Failed to start\)' "$junit" || true)
    left=$((left - absent))
    bad=$((bad + absent))
  fi
  if ((status != 0 && bad == 0)); then bad=1; fi
  if ((run + bad + left == 0)); then bad=1; fi
  passed=$((passed + run))
  failed=$((failed + bad))
  skipped=$((skipped + left))
}

# add_counts FILE: adds what the last line of another script's output counts.
add_counts() {
  local last
  last=$(tail -n 1 "$1")
  if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
    skipped=$((skipped + BASH_REMATCH[3]))
  else
    failed=$((failed + 1))
  fi
}

# The last line of a script that runs tests, also when it stops half-way: `trap summary EXIT`.
summary() {
  local status=$?
  trap - EXIT
  if ((status != 0 && failed == 0)); then failed=1; fi
  if ((failed > 0 && status == 0)); then status=1; fi
  printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  exit "$status"
}
