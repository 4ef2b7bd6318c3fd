#!/usr/bin/env bash
# Formatting (clang-format 14), static checks (clang-tidy, .clang-tidy) and shellcheck over every tracked file but third_party/.
#   scripts/lint.sh [--format-only | --tests]    --tests: clang-tidy reads the tests as well
set -euo pipefail
. "$(dirname "$0")/common.sh"

status=0

# first COMMAND...: the first one that exists
first() {
  local candidate
  for candidate in "$@"; do
    if command -v "$candidate" >/dev/null; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

say "clang-format"
mapfile -t sources < <(git ls-files '*.cpp' '*.hpp' '*.cu' '*.cuh' ':!third_party')
formatter=$(first clang-format-14 clang-format) || die "no clang-format; scripts/setup.sh --lint installs it"
if [[ $("$formatter" --version) != *"version 14."* ]]; then
  die "$formatter is not version 14, and versions format differently; scripts/setup.sh --lint installs it"
fi
printf '%s\0' "${sources[@]}" | xargs -0 "$formatter" --dry-run --Werror || status=1

say "rooms"
scripts/rooms.sh || status=1

say "shellcheck"
mapfile -t shell < <(git ls-files 'scripts/*.sh' '.ci/run')
checker=$(first shellcheck) || die "no shellcheck; scripts/setup.sh --lint installs it"
"$checker" --external-sources --source-path=SCRIPTDIR "${shell[@]}" || status=1

say "one way in"
# Files that are written, folders and the terminal are opened elsewhere too.
if git grep -nE '\bi?fstream\b|\b(fopen|freopen|fdopen|openat|zip_open)\(|::open\(' -- src ':!src/io/input_file.*' \
  ':!src/io/atomic_file.cpp' ':!src/cli/signals.cpp' |
  grep -vE 'MappedFile::open|O_WRONLY|O_DIRECTORY'; then
  echo "src/io/input_file.hpp is how files are opened for reading" >&2
  status=1
fi
if git grep -nE '[Jj]son::(parse|accept|sax_parse)\(' -- src ':!src/io/json.cpp'; then
  echo "src/io/json.hpp is how JSON is read" >&2
  status=1
fi

if [[ ${1:-} == --format-only ]]; then exit "$status"; fi

say "clang-tidy"
tidy=$(first clang-tidy-14 clang-tidy-18 clang-tidy) || die "no clang-tidy; scripts/setup.sh --lint installs it"
# clang-tidy 14 cannot read what g++ precompiled.
quietly build/lint.configure.log cmake --preset release -B build/lint -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DITM_UNITY=ON
# What nvcc compiles is not for clang; what g++ compiles is, less the flags that only g++ knows, and less what the build writes. Most
# of the time goes into headers, so rooms are read together; the tests, one by one and most of all sources, only where asked for.
leave_out="$root/build/lint/[^U]*\$"
if [[ ${1:-} != --tests ]]; then leave_out="$leave_out\|^$root/tests/"; fi
mapfile -t units < <(sed -n 's/^ *"file": "\(.*\.c[px][px]\)",\{0,1\}$/\1/p' build/lint/compile_commands.json |
  grep -v "^$leave_out" | sort -u)
printf '%s\0' "${units[@]}" |
  xargs -0 -n 1 -P "$jobs" "$tidy" -p build/lint --quiet --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-error \
    --extra-arg=-Wno-ignored-optimization-argument 2>build/clang-tidy.log || status=1
# Its count of suppressed warnings goes to the log; real errors in there must not go unseen.
grep -E '(error|fatal):' build/clang-tidy.log >&2 || true

if ((status == 0)); then say "clean: ${#sources[@]} sources, ${#units[@]} translation units, ${#shell[@]} scripts"; fi
exit "$status"
