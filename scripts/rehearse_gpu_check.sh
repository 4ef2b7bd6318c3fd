#!/usr/bin/env bash
# Rehearses `scripts/gpu_check.sh check` on a machine without a GPU: scripts/rehearse_gpu_check.sh [BUILD]
# Every path of that script runs in a root of its own, which holds the tools that it may use and nothing else: all steps well, tools
# missing, a tool refused, a step that fails, says nothing or never ends. Most rehearsals have programs that only say what the real
# ones would; the last has the program itself with the host in the place of a device, from the build folder BUILD (build/release:
# targets itm_on_host and test_kernels). As root, or where user namespaces are allowed.
set -euo pipefail
. "$(dirname "$0")/common.sh"
trap summary EXIT

build=${1:-build/release}
stage=$root/build/rehearsal
cage=$stage/root
mkdir -p "$stage"

chroot=$(PATH=$PATH:/usr/sbin:/sbin type -P chroot)
if ((EUID == 0)); then
  enter=("$chroot" "$cage")
elif unshare --map-root-user true 2>/dev/null; then
  enter=("$(type -P unshare)" --map-root-user "$chroot" "$cage")
else
  echo "neither root nor user namespaces here: the check script was not rehearsed"
  skipped=1
  exit 0
fi

# ---- the root

# into_cage PROGRAM...: with the libraries that each needs
into_cage() {
  local program library
  for program in "$@"; do
    cp -L "$program" "$cage/bin/"
    while read -r library; do
      mkdir -p "$cage$(dirname "$library")"
      cp -nL "$library" "$cage$library"
    done < <(ldd "$program" 2>/dev/null | grep -o '/[^ ]*' || true)
  done
}

make_cage() {
  rm -rf "$cage"
  mkdir -p "$cage"/{bin,dev,tmp,tools,itm/scripts,itm/build/gpu-pack,itm/examples,itm/tests/data}
  if ! mknod -m 666 "$cage/dev/null" c 1 3 2>/dev/null; then : >"$cage/dev/null"; fi
  local tool
  for tool in bash basename cat cmp cut date dirname env grep gzip ls mkdir mktemp nproc readlink rm sed sleep tail tar timeout uname wc; do
    into_cage "$(type -P "$tool")"
  done
  ln -s bash "$cage/bin/sh"
  mkdir -p "$cage/usr"
  ln -s ../bin "$cage/usr/bin"
  cp scripts/gpu_check.sh scripts/common.sh "$cage/itm/scripts/"
}

# program FOLDER NAME: a script from standard input
program() {
  {
    echo '#!/bin/bash'
    cat
  } >"$1/$2"
  chmod +x "$1/$2"
}

# Programs that say what the real ones would.
make_pack() {
  rm -rf "$stage/pack"
  mkdir -p "$stage/pack"
  echo rehearsal >"$stage/pack/commit"
  program "$stage/pack" itm <<'P'
case "$*" in
  verify*) echo "36 of 36 comparisons verified against CPU float64" ;;
  replay*) echo "replayed" ;;
  "rank "*"--device 99"*) echo "--device 99: this machine has one device" >&2; exit 3 ;;
  "rank "*--verbose*) echo "self-check: parameters off by 1e-9 of 1e-6" >&2 ;;
  "rank "*) for i in {1..30}; do echo "{\"score\": 0.$i, \"seconds\": $RANDOM.$i, \"date\": \"$RANDOM\"}"; done ;;
  "bench paper"*) for i in {1..10}; do echo '"gpu_seconds": 0.1'; done >"${!#}" ;;
esac
P
  program "$stage/pack" test_gpu <<'P'
echo "[ RUN      ] RowKernels.Sum"
echo "[       OK ] RowKernels.Sum (1 ms)"
echo "[  PASSED  ] 1 test."
P
  program "$stage/pack" gpu_itm <<'P'
while (($# > 0)); do
  if [[ $1 == --out ]]; then echo '{"milliseconds": 1}' >"$2"; fi
  shift
done
echo "paper   1.00 ms   0.0100 ms an iteration"
P
  program "$stage/pack" gpu_methods <<'P'
echo '{"method":"logme","device_seconds":0.1}'
P
}

# What only some machines have.
make_tools() {
  rm -rf "$cage/tools"
  mkdir -p "$cage/tools"
  program "$cage/tools" compute-sanitizer <<'P'
tool=$2
while [[ $1 != */test_gpu ]]; do shift; done
"$@"
if [[ $tool == racecheck ]]; then echo "========= RACECHECK SUMMARY: 0 hazards displayed"; else echo "========= ERROR SUMMARY: 0 errors"; fi
P
  program "$cage/tools" ncu <<'P'
while [[ $1 != --log-file ]]; do shift; done
for i in {1..40}; do echo "kernel,$i"; done >"$2"
P
  program "$cage/tools" nvidia-smi <<<'echo "rehearsed device, 1, 1 MiB"'
  program "$cage/tools" nvcc <<<'exit 0'
}

use_pack() { tar -C "$1" -czf "$cage/itm/build/gpu-pack/all.tar.gz" .; }

# ---- rehearsals

last=
status=0

# rehearse TITLE ARGUMENT...: gpu_check.sh with the arguments, in the root; its output in $stage/TITLE.log
rehearse() {
  title=$1
  shift
  rm -rf "$cage/out"
  status=0
  env -i PATH=/tools:/bin OUT=/out TMPDIR=/tmp "${enter[@]}" /bin/bash -c 'cd /itm && exec scripts/gpu_check.sh "$@"' check "$@" \
    >"$stage/$title.log" 2>&1 </dev/null || status=$?
  last=$(tail -n 1 "$stage/$title.log")
}

# expect STATUS LAST [SENTENCE...]: the exit status, the last line, and extended regular expressions that the output holds
expect() {
  local wrong=() sentence
  if ((status != $1)); then wrong+=("exit status $status, not $1"); fi
  if [[ $last != "$2" ]]; then wrong+=("ends with '$last', not '$2'"); fi
  for sentence in "${@:3}"; do
    grep -qE -- "$sentence" "$stage/$title.log" || wrong+=("no line like '$sentence'")
  done
  # What came back: few files, and nothing half-done.
  if [[ -d $cage/out ]]; then
    if (($(find "$cage/out" -type f | wc -l) > 8)); then wrong+=("more than eight files"); fi
    if [[ -d $cage/out/logs || ! -s $cage/out/logs.tar.gz ]]; then wrong+=("logs are not in one archive"); fi
  fi
  if [[ -n $(ls "$cage/tmp") ]]; then wrong+=("leaves $(ls "$cage/tmp") behind"); fi
  if ((${#wrong[@]} == 0)); then
    passed=$((passed + 1))
    echo "ok      $title"
  else
    failed=$((failed + 1))
    printf 'FAILED  %s: %s\n' "$title" "$(IFS=';' && echo "${wrong[*]}")"
    tail -n 40 "$stage/$title.log"
  fi
}

say "Making a root with what the script may use"
make_cage
make_pack
make_tools

rehearse "no pack" check
expect 1 "gpu_check.sh: build/gpu-pack is not there; run scripts/gpu_check.sh pack where it can be built"
rehearse "no such command" chek
expect 1 "gpu_check.sh: usage: scripts/gpu_check.sh pack|check [STEP...]"

use_pack "$stage/pack"
rehearse "all well" check
expect 0 "11 passed, 0 failed, 0 skipped" '^verify .* ok .*36 of 36' '^twice .* ok ' '^kernels .* ok .*40 lines of figures' \
  '^benchmark .* ok ' '==> Benchmark' '^==> Summary \(rehearsal\)$' '^rehearsed device'
for file in summary.txt bench.json methods.jsonl paper.json kernels.csv logs.tar.gz; do
  if [[ ! -s $cage/out/$file ]]; then
    failed=$((failed + 1))
    echo "FAILED  all well: $file does not come back"
  fi
done
rehearse "two steps" check verify paper
expect 0 "2 passed, 0 failed, 0 skipped" '^verify .* ok ' '^paper .* ok '

rm "$cage"/tools/{compute-sanitizer,ncu,nvidia-smi,nvcc}
rehearse "no tools" check
expect 0 "7 passed, 0 failed, 4 skipped" '^memcheck .* skipped .*no compute-sanitizer here' '^kernels .* skipped .*no Nsight Compute here'
make_tools

program "$cage/tools" compute-sanitizer <<<'echo "Device not supported"; exit 1'
rehearse "a sanitizer that is refused" check
expect 0 "8 passed, 0 failed, 3 skipped" '^racecheck .* skipped .*is refused here'
program "$cage/tools" compute-sanitizer <<<'echo "========= ERROR SUMMARY: 3 errors"; exit 9'
rehearse "a sanitizer that finds something" check memcheck racecheck initcheck
expect 1 "0 passed, 3 failed, 0 skipped" '^memcheck .* FAILED \(9\) .*3 errors'
make_tools

# failing TITLE PROGRAM LAST SENTENCE... <body: every rehearsal from here on has one program that is another
failing() {
  rm -rf "$stage/other"
  cp -r "$stage/pack" "$stage/other"
  program "$stage/other" "$2"
  use_pack "$stage/other"
  rehearse "$1" check
  expect 1 "${@:3}"
}

failing "a program that fails" itm "7 passed, 4 failed, 0 skipped" '^verify .* FAILED \(1\) .*off by 3' '^tests .* ok ' <<<'echo "off by 3"; exit 1'
failing "a program that says nothing" itm "7 passed, 4 failed, 0 skipped" '^verify .* FAILED \(empty\)' '^twice .* FAILED' '^paper .* FAILED' \
  <<<'exit 0'
# shellcheck disable=SC2016  # for the program
failing "runs that differ" itm "9 passed, 2 failed, 0 skipped" '^twice .* FAILED \(1\) .*differ' \
  <<<'if [[ $1 == rank ]]; then for i in {1..9}; do echo "{\"score\": $RANDOM$RANDOM}"; done; else echo "1 of 1 comparisons verified"; fi'
failing "a test that skips" test_gpu "10 passed, 1 failed, 0 skipped" '^tests .* FAILED' \
  <<<'echo "[  SKIPPED ] Some.Test"; echo "[  PASSED  ] 1 test."'
failing "a test that fails" test_gpu "10 passed, 1 failed, 0 skipped" '^tests .* FAILED' \
  <<<'echo "[  PASSED  ] 1 test."; echo "[  FAILED  ] 1 test."; exit 1'
failing "a benchmark that stops" gpu_itm "10 passed, 1 failed, 0 skipped" '^benchmark .* FAILED \(134\)' <<<'exit 134'
failing "a method that fails" gpu_methods "10 passed, 1 failed, 0 skipped" '^methods .* FAILED' \
  <<<'echo "{\"method\":\"lead\",\"failed\":\"no memory\",\"device_seconds\":1}"'
# Minutes are a second here.
mv "$cage/bin/timeout" "$cage/bin/timeout-of-coreutils"
# shellcheck disable=SC2016
program "$cage/bin" timeout <<<'exec timeout-of-coreutils --kill-after=1 1 "${@:3}"'
failing "a program that never ends" gpu_methods "10 passed, 1 failed, 0 skipped" '^methods .* beyond 90 s' <<<'sleep 60'
mv "$cage/bin/timeout-of-coreutils" "$cage/bin/timeout"

# ---- the program itself on the host

tests=$build/tests/kernels/host_cuda/test_kernels
for file in "$build/bin/itm_on_host" "$tests"; do
  if [[ ! -x $file ]]; then
    echo "FAILED  $file is not there; cmake --build $build --target itm_on_host test_kernels"
    failed=$((failed + 1))
    exit 1
  fi
done
into_cage "$build/bin/itm_on_host" "$tests"
mkdir -p "$cage/itm/tests/data/itm_trace"
cp -r tests/data/itm_trace/small "$cage/itm/tests/data/itm_trace/"
# A zoo that the host can rank in seconds where the script expects one.
"$build/bin/itm_on_host" synth "$cage/itm/examples/glyphs" --models 2 --rows 42 --dims 4 --classes 3 >"$stage/synth.log"
for file in "$cage"/itm/examples/glyphs/*_task1_*; do mv "$file" "${file/_task1_/_texture_}"; done
# The host is slower than a device, and may have other work.
mv "$cage/bin/timeout" "$cage/bin/timeout-of-coreutils"
# shellcheck disable=SC2016
program "$cage/bin" timeout <<<'exec timeout-of-coreutils "$1" "$((4 * $2))" "${@:3}"'
rm -rf "$stage/other"
cp -r "$stage/pack" "$stage/other"
program "$stage/other" itm <<'P'
# The paper's shapes are too much for the host.
if [[ "$1 $2" == "bench paper" ]]; then
  for i in {1..10}; do echo '"gpu_seconds": 0.1'; done >"${!#}"
else
  exec itm_on_host "$@"
fi
P
program "$stage/other" test_gpu <<<'exec test_kernels --gtest_filter="*RowKernels*:*ArenaKernels*"'
use_pack "$stage/other"
rehearse "the program on the host" check
expect 0 "11 passed, 0 failed, 0 skipped" '^verify .* ok .*comparisons verified' '^replay .* ok ' '^tests .* ok .*PASSED' \
  '^twice .* ok .*the same [0-9]{4,} bytes' '^paper .* ok '
