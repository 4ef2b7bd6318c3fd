#!/usr/bin/env bash
# The reference of the C++ library and of the Python package, from their comments and docstrings: build/reference/index.html.
# Fails where a declaration of C++ has no comment or a comment is wrong; a test looks for missing docstrings. Doxygen is the distribution's, pdoc is pinned
# (scripts/setup.sh --reference, python/tests/requirements.txt).
#   scripts/reference.sh [cpp|python]    default: both; the Python part needs the environment that scripts/python.sh makes
set -euo pipefail
. "$(dirname "$0")/common.sh"

what=${1:-both}
[[ $what =~ ^(cpp|python|both)$ ]] || die "unknown part $what; see the head of this script"
out=build/reference
mkdir -p "$out"

if [[ $what != python ]]; then
  command -v doxygen >/dev/null || die "no doxygen; scripts/setup.sh --reference installs it"
  say "C++ library: $out/cpp/html/index.html"
  rm -rf "$out/cpp" && mkdir "$out/cpp"
  quietly "$out/doxygen.log" doxygen docs/reference/Doxyfile
fi

if [[ $what != cpp ]]; then
  [[ -x build/venv/bin/pdoc ]] || die "no build/venv/bin/pdoc; scripts/python.sh makes that environment"
  say "Python package: $out/python/itm_rank.html"
  rm -rf "$out/python"
  # Outside of the tree, or the sources would stand in for the package that was built.
  (cd "$out" && quietly "$root/$out/pdoc.log" "$root/build/venv/bin/python" -W error::UserWarning -m pdoc --docformat numpy \
    --no-show-source --output-directory "$root/$out/python" itm_rank '!itm_rank._core' '!itm_rank._program')
  if grep -i 'warn' "$out/pdoc.log"; then die "pdoc warned"; fi
fi

cat >"$out/index.html" <<'HTML'
<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>itm: reference</title>
<style>body { font: 1.1rem/1.5 sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }</style>
<h1>Reference</h1>
<p><a href="cpp/html/index.html">The C++ library</a>: every public header of <code>include/itm</code>.
<p><a href="python/itm_rank.html">The Python package</a> <code>itm_rank</code>.
HTML
