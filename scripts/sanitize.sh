#!/usr/bin/env bash
# Builds and runs the tests under sanitizers: scripts/sanitize.sh asan (address and undefined behaviour; every test) or
# scripts/sanitize.sh tsan (data races; the threaded tests).
set -euo pipefail
. "$(dirname "$0")/common.sh"

preset=${1:-}
case $preset in
  asan) flag=address ;;
  tsan) flag=thread ;;
  *) die "usage: scripts/sanitize.sh asan|tsan" ;;
esac
trap summary EXIT

# Kernels that randomise addresses widely break the sanitizers of g++ 12 and 13 at start-up; then run without.
if [[ -z ${ITM_NO_RANDOMISE:-} ]]; then
  probe=$(mktemp -d)
  echo 'int main() {}' >"$probe/probe.cpp"
  ${CXX:-c++} "-fsanitize=$flag" "$probe/probe.cpp" -o "$probe/probe"
  works=true
  for _ in 1 2 3 4 5; do "$probe/probe" >/dev/null 2>&1 || works=false; done
  rm -rf "$probe"
  if ! $works; then
    say "The $flag sanitizer does not start under this kernel's address randomisation; going on without it"
    trap - EXIT
    ITM_NO_RANDOMISE=1 exec setarch "$(uname -m)" -R "$0" "$@"
  fi
fi

say "Building preset $preset"
configure "$preset"
targets=()
if [[ $preset == tsan ]]; then
  # The names that the preset's filter looks for; programs without one need not be built.
  mapfile -t targets < <(git grep -lE '^TEST(_F|_P)?\(.*(Threads|Determinism|WorkPool)' -- 'tests/*/*.cpp' 'tests/*/*.cu' |
    cut -d / -f 2 | sort -u | sed 's/^/test_/')
  ((${#targets[@]} > 0)) || die "no test is named as one of threads"
fi
build "$preset" "${targets[@]}"
say "Running the tests of preset $preset"
run_tests "$preset"
