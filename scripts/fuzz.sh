#!/usr/bin/env bash
# Fuzzes every reader: scripts/fuzz.sh [seconds per target, default 20 | --runs N]. Builds with clang into build-fuzz, starts from a
# copy of the seeds in tests/fuzz/corpus, prints a line per target and fails when one crashes. What crashed it stays in
# build-fuzz/crashes.
set -euo pipefail
. "$(dirname "$0")/common.sh"

limit=-max_total_time=${1:-20}
if [[ ${1:-} == --runs ]]; then limit=-runs=${2:-}; fi
[[ $limit =~ =[1-9][0-9]*$ ]] || die "usage: scripts/fuzz.sh [seconds per target | --runs N]"

clang=${ITM_CLANG:-}
for name in clang++ clang++-{21..14}; do
  if [[ -z $clang ]] && command -v "$name" >/dev/null; then clang=$name; fi
done
[[ -n $clang ]] || die "needs clang++ (apt-get install clang); set ITM_CLANG to name one"

quietly build-fuzz/configure.log cmake -S . -B build-fuzz -DCMAKE_CXX_COMPILER="$clang" -DCMAKE_C_COMPILER="${clang/++/}" \
  -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" -DITM_FUZZ=ON -DITM_UNITY=ON -DITM_CUDA=OFF -DITM_TESTS=OFF -DITM_BENCH=OFF
quietly build-fuzz/build.log cmake --build build-fuzz --target fuzzers --parallel "$jobs"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
crashes=$root/build-fuzz/crashes
mkdir -p "$crashes"
# Seeds hold huge claimed sizes on purpose; an allocation that believes them must end as a crash here.
export ASAN_OPTIONS=${ASAN_OPTIONS:-allocator_may_return_null=0:detect_leaks=1}

for target in build-fuzz/tests/fuzz/fuzz_*; do
  [[ -f $target && -x $target ]] || continue
  name=$(basename "$target")
  log=build-fuzz/$name.log
  start=$SECONDS
  mkdir -p "$scratch/$name"
  if [[ -d tests/fuzz/corpus/$name ]]; then cp -r "tests/fuzz/corpus/$name/." "$scratch/$name/"; fi
  if "$target" "$scratch/$name" "$limit" -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=256 \
    -artifact_prefix="$crashes/$name-" -print_final_stats=1 >"$log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    cover=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    printf '%-18s ok     %9d inputs in %d s, %s edges covered\n' "$name" "$runs" $((SECONDS - start)) "${cover:-?}"
    passed=$((passed + 1))
  else
    printf '%-18s FAILED (%s)\n' "$name" "$log"
    grep -m 3 -E '^SUMMARY|ERROR:|Test unit written' "$log" || tail -n 5 "$log"
    failed=$((failed + 1))
  fi
done

printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
((failed == 0 && passed > 0))
