#!/usr/bin/env bash
# Everything that needs a GPU, in one go and under ten minutes.
#   scripts/gpu_check.sh pack    on a machine with the dependencies and nvcc: builds for compute capability 9.0 (ITM_GPU_ARCH=NN
#                                for another) and leaves program, tests, benchmark and the libraries they need in build/gpu-pack,
#                                as one compressed file
#   scripts/gpu_check.sh check   on a machine with a GPU, a CUDA toolkit and that folder, and no network: verify, replay, the GPU
#                                tests, two equal runs, compute-sanitizer and the benchmarks; prints a table last
# Logs and bench.json go to $OUT, or build/gpu-check where that is not set. The exit status is 0 only if nothing failed.
set -euo pipefail
. "$(dirname "$0")/common.sh"

pack=$root/build/gpu-pack

make_pack() {
  say "Building for compute capability ${ITM_GPU_ARCH:-90}"
  # RPATH and not RUNPATH: it also holds for what the libraries need in turn.
  # shellcheck disable=SC2016  # $ORIGIN is for the loader
  quietly build/gpu.configure.log cmake -S . -B build/gpu -G Ninja -DCMAKE_BUILD_TYPE=Release -DITM_REQUIRE_CUDA=ON \
    -DCMAKE_CUDA_ARCHITECTURES="${ITM_GPU_ARCH:-90}" '-DCMAKE_BUILD_RPATH=$ORIGIN/lib' \
    -DCMAKE_EXE_LINKER_FLAGS=-Wl,--disable-new-dtags
  cmake --build build/gpu --parallel "$jobs" --target itm_cli test_gpu gpu_itm gpu_methods
  rm -rf "$pack"
  mkdir -p "$pack/lib"
  local programs=(build/gpu/bin/itm build/gpu/tests/kernels/test_gpu build/gpu/bin/gpu_itm build/gpu/bin/gpu_methods)
  cp "${programs[@]}" "$pack"
  strip "$pack/itm" "$pack/test_gpu" "$pack/gpu_itm" "$pack/gpu_methods"
  # All but the C library's own, which belong to the machine.
  local name path
  while read -r name path; do
    case $name in
      libc.so* | libm.so* | libdl.so* | librt.so* | libpthread.so* | ld-linux*) ;;
      *) cp -L "$path" "$pack/lib/$name" ;;
    esac
  done < <(ldd "${programs[@]}" | sed -n 's/^\t\([^ ]*\) => \(\/[^ ]*\) .*/\1 \2/p' | sort -u)
  git describe --always --dirty --abbrev=12 >"$pack/commit" 2>/dev/null || echo unknown >"$pack/commit"
  # One compressed file: what can be carried to such machines is often limited.
  tar -C "$pack" -czf build/gpu-pack.tar.gz .
  rm -rf "$pack"
  mkdir "$pack"
  mv build/gpu-pack.tar.gz "$pack/all.tar.gz"
  du -sh "$pack"
}

results=()

# step NAME SECONDS COMMAND...: output to the step's log; what matters of a failure is shown.
step() {
  local name=$1 limit=$2 start=$SECONDS status=0 verdict=ok
  shift 2
  say "$name"
  timeout --kill-after=5 "$limit" "$@" >"$out/$name.log" 2>&1 || status=$?
  case $status in
    0) passed=$((passed + 1)) ;;
    124 | 137) verdict="beyond $limit s" ;;
    *) verdict="FAILED ($status)" ;;
  esac
  if ((status != 0)); then
    failed=$((failed + 1))
    tail -n 25 "$out/$name.log"
  fi
  results+=("$(printf '%-12s %4d s  %-14s %s' "$name" $((SECONDS - start)) "$verdict" "$(tail -n 1 "$out/$name.log" | cut -c 1-90)")")
}

verify() {
  "$pack/itm" verify examples/glyphs --method all --backend cuda
  "$pack/itm" verify examples/glyphs --dataset texture --recurrence gram --steps 3 --backend cuda
  "$pack/itm" verify examples/glyphs --dataset texture --precision float64 --backend cuda
}

replay() {
  local trace precision recurrence
  for trace in tests/data/itm_trace/*/; do
    for precision in float64 float32; do
      for recurrence in gram factored; do
        "$pack/itm" replay "$trace" --precision "$precision" --recurrence "$recurrence" --backend cuda
      done
    done
  done
}

# Same seed, same bits; only the times may differ.
same_twice() {
  local run
  for run in 1 2; do
    "$pack/itm" rank examples/glyphs --method all --backend cuda --repeats 2 --format json |
      sed 's/"seconds": *[0-9.e+-]*//g' >"$out/rank$run.json"
  done
  cmp "$out/rank1.json" "$out/rank2.json" && echo "two runs, the same $(wc -c <"$out/rank1.json") bytes"
}

# A test that skips has shown nothing.
gpu_tests() {
  ITM_TEST_DATA=tests/data "$pack/test_gpu" "$@" | tee "$out/tests.txt" | grep -v '\[ RUN \|\[       OK ' || true
  ! grep -q '\[  SKIPPED \]' "$out/tests.txt" && grep -q '\[  PASSED  \]' "$out/tests.txt" &&
    ! grep -q '\[  FAILED  \]' "$out/tests.txt"
}

sanitizer() {
  local tool
  tool=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer)
  ITM_TEST_DATA=tests/data "$tool" --tool "$1" --error-exitcode 9 "$pack/test_gpu" --gtest_filter="$2"
}

benchmark() {
  "$pack/gpu_itm" --commit "$(cat "$pack/commit")" >"$out/bench.json"
}

methods() {
  "$pack/gpu_methods" --commit "$(cat "$pack/commit")" --quick --device-only >"$out/methods.json"
}

check() {
  trap summary EXIT
  if [[ ! -f $pack/all.tar.gz ]]; then die "build/gpu-pack is not there; run scripts/gpu_check.sh pack where it can be built"; fi
  tar -C "$pack" -xzf "$pack/all.tar.gz"
  out=${OUT:-$root/build/gpu-check}
  mkdir -p "$out"
  export out pack
  export -f verify replay same_twice gpu_tests sanitizer benchmark methods
  local toolkit libraries
  toolkit=$(dirname "$(dirname "$(readlink -f "$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)")")")
  libraries=$toolkit/lib64:$toolkit/targets/$(uname -m)-linux/lib
  export LD_LIBRARY_PATH=$libraries:${LD_LIBRARY_PATH:-}
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || true

  local kernels='*RowKernels*:*ArenaKernels*:*DeviceSeam*:*DeviceOperations*'
  step verify 75 bash -ec verify
  step replay 60 bash -ec replay
  step tests 90 bash -c gpu_tests
  step twice 30 bash -ec same_twice
  step memcheck 75 bash -ec "sanitizer memcheck '$kernels:*StatisticsAreTheHosts*:*small_float32*'"
  step racecheck 60 bash -ec "sanitizer racecheck '$kernels:*StatisticsAreTheHosts*'"
  step initcheck 60 bash -ec "sanitizer initcheck '$kernels:*StatisticsAreTheHosts*:*small_float32_factored*'"
  step benchmark 100 bash -ec benchmark
  step methods 45 bash -ec methods

  say "Benchmark"
  cat "$out/benchmark.log"
  say "Summary ($(cat "$pack/commit"))"
  printf '%s\n' "${results[@]}"
}

case ${1:-} in
  pack) make_pack ;;
  check) check ;;
  *) die "usage: scripts/gpu_check.sh pack|check" ;;
esac
