#!/usr/bin/env bash
# Everything that needs a GPU, in one go and under nine minutes.
#   scripts/gpu_check.sh pack    on a machine with the dependencies and nvcc: builds for compute capability 9.0 (ITM_GPU_ARCH=NN
#                                for another) and leaves program, tests, benchmark and the libraries they need in build/gpu-pack,
#                                as one compressed file
#   scripts/gpu_check.sh check [STEP...]
#                                on a machine with a GPU, a CUDA toolkit and that folder, and no network: verify, replay, the GPU
#                                tests, two equal runs, compute-sanitizer, the benchmark and figures of each kernel, or only the
#                                steps named; prints benchmark and table last
# A step passes when its command does and its output holds what the step is for: silence is no success. A tool that the machine
# lacks or refuses is a skip. summary.txt, bench.json, kernels.csv and logs.tar.gz go to $OUT, or build/gpu-check where that is not
# set. The exit status is 0 only if nothing failed.
set -euo pipefail
. "$(dirname "$0")/common.sh"

pack=$root/build/gpu-pack

make_pack() {
  say "Building for compute capability ${ITM_GPU_ARCH:-90}"
  # RPATH and not RUNPATH: it also holds for what the libraries need in turn. By the linker's flags, since programs otherwise get no
  # path but the installed one. The backslash is for the shell that links.
  # shellcheck disable=SC2016  # $ORIGIN is for the loader
  quietly build/gpu.configure.log cmake -S . -B build/gpu -G Ninja -DCMAKE_BUILD_TYPE=Release -DITM_REQUIRE_CUDA=ON -DITM_MPI=OFF \
    -DCMAKE_CUDA_ARCHITECTURES="${ITM_GPU_ARCH:-90}" \
    '-DCMAKE_EXE_LINKER_FLAGS=-Wl,--disable-new-dtags,-rpath,\$ORIGIN/lib'
  cmake --build build/gpu --parallel "$jobs" --target itm_cli test_gpu gpu_itm gpu_methods
  rm -rf "$pack"
  mkdir -p "$pack/lib"
  local programs=(build/gpu/bin/itm build/gpu/tests/kernels/test_gpu build/gpu/bin/gpu_itm build/gpu/bin/gpu_methods)
  cp "${programs[@]}" "$pack"
  # Programs that find their libraries here would not say so on a machine that has none of them.
  local program
  for program in "${programs[@]}"; do
    readelf -d "$program" | grep -q 'RPATH.*ORIGIN/lib' || die "$program: does not look for libraries beside itself"
  done
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
chosen=()

note_result() {
  results+=("$(printf '%-12s %4d s  %-14s %s' "$1" "$2" "$3" "$(grep -v '^[[:space:]]*$' "$out/logs/$1.log" | tail -n 1 | cut -c 1-90)")")
  printf '%s\n' "${results[@]}" >"$out/summary.txt"
}

# step NAME SECONDS MARK COMMAND...: output to the step's log, which must hold the extended regular expression MARK; what matters
# of a failure is shown. Status 77 is a skip.
step() {
  local name=$1 limit=$2 mark=$3 start=$SECONDS status=0 verdict=ok
  shift 3
  if ((${#chosen[@]} > 0)) && [[ " ${chosen[*]} " != *" $name "* ]]; then return; fi
  say "$name"
  timeout --kill-after=5 "$limit" "$@" >"$out/logs/$name.log" 2>&1 || status=$?
  case $status in
    0) grep -qE "$mark" "$out/logs/$name.log" || { status=1 verdict="FAILED (empty)"; } ;;
    77) verdict=skipped ;;
    124 | 137) verdict="beyond $limit s" ;;
    *) verdict="FAILED ($status)" ;;
  esac
  case $status in
    0) passed=$((passed + 1)) ;;
    77) skipped=$((skipped + 1)) ;;
    *)
      failed=$((failed + 1))
      tail -n 25 "$out/logs/$name.log"
      ;;
  esac
  note_result "$name" $((SECONDS - start)) "$verdict"
  ((status == 0))
}

verify() {
  "$pack/itm" verify examples/glyphs --method all --backend cuda
  "$pack/itm" verify examples/glyphs --dataset texture --recurrence gram --steps 3 --backend cuda
  "$pack/itm" verify examples/glyphs --dataset texture --precision float64 --backend cuda
}

replay() {
  local trace precision recurrence said
  for trace in tests/data/itm_trace/*/; do
    for precision in float64 float32 3xtf32; do
      for recurrence in gram factored; do
        said=$("$pack/itm" replay "$trace" --precision "$precision" --recurrence "$recurrence" --backend cuda)
        echo "${said:?itm replay says nothing}"
      done
    done
  done
  echo "every trace replayed"
}

# Same seed, same bits; only the times may differ.
same_twice() {
  local run
  for run in 1 2; do
    "$pack/itm" rank examples/glyphs --method all --backend cuda --repeats 2 --format json |
      sed 's/"seconds": *[0-9.e+-]*//g; s/"date": *"[^"]*"//' >"$out/logs/rank$run.json"
  done
  grep -q '"score"' "$out/logs/rank1.json"
  cmp "$out/logs/rank1.json" "$out/logs/rank2.json" && echo "two runs, the same $(wc -c <"$out/logs/rank1.json") bytes"
}

# A test that skips has shown nothing.
gpu_tests() {
  # Some need data that is not in the repository.
  ITM_TEST_DATA=tests/data "$pack/test_gpu" --gtest_filter='-*Shared*:*ColumnsOutnumberRows*' >"$out/logs/test_gpu.txt" 2>&1 || true
  grep -v '\[ RUN \|\[       OK ' "$out/logs/test_gpu.txt" || true
  ! grep -q '\[  SKIPPED \]' "$out/logs/test_gpu.txt" && grep -q '\[  PASSED  \]' "$out/logs/test_gpu.txt" &&
    ! grep -q '\[  FAILED  \]' "$out/logs/test_gpu.txt"
}

# sanitizer TOOL TESTS [OPTION...]
sanitizer() {
  local sanitize status=0
  sanitize=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer || true)
  if [[ -z $sanitize ]]; then
    echo "no compute-sanitizer here"
    return 77
  fi
  ITM_TEST_DATA=tests/data "$sanitize" --tool "$1" "${@:3}" --error-exitcode 9 "$pack/test_gpu" --gtest_filter="$2" >"$out/logs/$1.txt" 2>&1 ||
    status=$?
  grep -v '\[ RUN \|\[       OK ' "$out/logs/$1.txt" || true
  if grep -q 'Device not supported\|requires a driver\|not supported by this' "$out/logs/$1.txt"; then
    echo "compute-sanitizer is refused here"
    return 77
  fi
  return "$status"
}

benchmark() {
  "$pack/gpu_itm" --commit "$(cat "$pack/commit")" --out "$out/bench.json"
  grep -q milliseconds "$out/bench.json"
}

methods() {
  "$pack/gpu_methods" --commit "$(cat "$pack/commit")" --shape cifar100 --quick --cpu-limit 6 >"$out/methods.jsonl"
  cat "$out/methods.jsonl"
  ! grep -q '"failed"' "$out/methods.jsonl"
}

# ITM at the shapes of the paper's data sets, and a device that is not there.
paper() {
  "$pack/itm" bench paper --method itm --backend cuda --format json --out "$out/paper.json"
  local status=0
  "$pack/itm" rank examples/glyphs --backend cuda --device 99 || status=$?
  ((status == 3))
  "$pack/itm" rank examples/glyphs --dataset texture --backend cuda --verbose 2>&1 | grep 'self-check'
  grep -c '"gpu_seconds": [0-9]' "$out/paper.json"
}

# What the profiler says of each kernel of two iterations.
kernel_figures() {
  local ncu
  ncu=$(command -v ncu || compgen -G '/opt/nvidia/nsight-compute/*/ncu' | tail -n 1 || true)
  if [[ -z $ncu ]]; then
    echo "no Nsight Compute here"
    return 77
  fi
  "$ncu" --profile-from-start off --clock-control none --csv --log-file "$out/kernels.csv" --metrics "gpu__time_duration.sum,launch__grid_size,launch__block_size,launch__registers_per_thread,sm__throughput.avg.pct_of_peak_sustained_elapsed,gpu__compute_memory_throughput.avg.pct_of_peak_sustained_elapsed,dram__bytes.sum" \
    "$pack/gpu_itm" --profile
  echo "$(wc -l <"$out/kernels.csv") lines of figures"
}

check() {
  chosen=("$@")
  if [[ ! -f $pack/all.tar.gz ]]; then die "build/gpu-pack is not there; run scripts/gpu_check.sh pack where it can be built"; fi
  # Not beside the archive: that folder is what gets carried.
  local archive=$pack/all.tar.gz
  pack=$(mktemp -d)
  tar -C "$pack" -xzf "$archive"
  out=${OUT:-$root/build/gpu-check}
  mkdir -p "$out/logs"
  # shellcheck disable=SC2154  # code is the status at the end
  trap 'code=$?; set +e; tar -C "$out" -czf "$out/logs.tar.gz" logs; rm -rf "$out/logs" "$pack"; (exit "$code"); summary' EXIT
  export out pack
  export -f verify replay same_twice gpu_tests sanitizer benchmark methods paper kernel_figures
  local toolkit libraries
  toolkit=$(dirname "$(dirname "$(readlink -f "$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)")")")
  libraries=$toolkit/lib64:$toolkit/targets/$(uname -m)-linux/lib
  export LD_LIBRARY_PATH=$libraries:${LD_LIBRARY_PATH:-}
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || true

  local kernels='*RowKernels*:*ArenaKernels*:*DeviceSeam*:*TensorCores*:*DeviceOperations*'
  step verify 60 'comparisons verified' bash -ec verify || true
  step replay 60 'every trace replayed' bash -ec replay || true
  step tests 90 'PASSED' bash -c gpu_tests || true
  step twice 30 'the same [0-9]{3,} bytes' bash -ec same_twice || true
  step benchmark 100 'ms an iteration' bash -ec benchmark || true
  step methods 90 '"device_seconds"' bash -ec methods || true
  step paper 60 'self-check: parameters' bash -ec paper || true
  step memcheck 75 'ERROR SUMMARY: 0 errors' bash -c "sanitizer memcheck '$kernels:*StatisticsAreTheHosts*:*small_float32*'" || true
  # Shared memory is ours alone to race on; cuBLAS's kernels would only take time.
  step racecheck 60 'RACECHECK SUMMARY: 0' bash -c "sanitizer racecheck '$kernels:*StatisticsAreTheHosts*' --kernel-name kns=itm" || true
  # cuSOLVER's tridiagonalisation (sytrd4_gpu) reads what it has not written; nothing of ours does.
  step initcheck 60 'ERROR SUMMARY: 0 errors' bash -c "sanitizer initcheck '$kernels:*StatisticsAreTheHosts*:-*FactorisationsRefuseNaN*'" || true
  step kernels 60 '[0-9]{2,} lines of figures' bash -ec kernel_figures || true

  if [[ -f $out/bench.json ]]; then
    say "Benchmark"
    cat "$out/logs/benchmark.log"
  fi
  say "Summary ($(cat "$pack/commit"))"
  printf '%s\n' "${results[@]}"
}

case ${1:-} in
  pack) make_pack ;;
  check) check "${@:2}" ;;
  *) die "usage: scripts/gpu_check.sh pack|check [STEP...]" ;;
esac
