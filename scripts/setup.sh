#!/usr/bin/env bash
# Installs the packages that building itm needs, from the distribution's own archive, and says so before it does.
#   scripts/setup.sh           what a build and the tests need
#   scripts/setup.sh --lint    also clang, clang-tidy, clang-format and shellcheck
#   scripts/setup.sh --mpi     also OpenMPI, for sweeps under mpirun
#   scripts/setup.sh --browser also what scripts/browser.sh needs: Chromium and pdftotext
#   scripts/setup.sh --python also what scripts/python.sh needs: Python's headers, torch and torchvision
#   scripts/setup.sh --images also the images of examples/real
#   scripts/setup.sh --reference also what scripts/reference.sh needs: Doxygen
#   scripts/setup.sh --check   installs nothing; exit status 1 when something is missing
# For Debian 12, Ubuntu 24.04 and later, as root or with sudo. Where everything is there it neither needs root nor runs apt.
# ITM_SKIP_SETUP=1 turns it off, for machines that provide the dependencies in another way.
set -euo pipefail

lint=false
mpi=false
browser=false
python=false
images=false
reference=false
check=false
for argument in "$@"; do
  case $argument in
    --lint) lint=true ;;
    --mpi) mpi=true ;;
    --browser) browser=true ;;
    --python) python=true ;;
    --images) images=true ;;
    --reference) reference=true ;;
    --check) check=true ;;
    -h | --help)
      sed -n '2,12s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *)
      echo "setup.sh: unknown option $argument; see --help" >&2
      exit 2
      ;;
  esac
done
if [[ -n ${ITM_SKIP_SETUP:-} ]]; then exit 0; fi

# Package and the oldest version that will do. Debian 12 and Ubuntu 24.04 offer at least these.
packages=(
  "cmake 3.24"
  "g++ 4:12"
  "ninja-build 1.10"
  "ccache 4.7"
  "libcli11-dev 2.1"
  "nlohmann-json3-dev 3.11"
  "libfmt-dev 9.1"
  "libspdlog-dev 1:1.10"
  "libopenblas-pthread-dev 0.3.21"
  "libzip-dev 1.7"
  "libxxhash-dev 0.8"
  "libgtest-dev 1.12"
  "libbenchmark-dev 1.7"
  "python3 3.11"
)

if ! command -v dpkg-query >/dev/null; then
  echo "setup.sh: not a Debian or Ubuntu system; install these yourself, then set ITM_SKIP_SETUP=1:" >&2
  printf '  %s\n' "${packages[@]/ / >= }" >&2
  exit 1
fi

if $lint; then
  # The tree is formatted by clang-format 14; the compiler and clang-tidy are the distribution's own.
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  case $codename in
    bookworm) llvm=14 ;;
    *) llvm=18 ;;
  esac
  packages+=("clang-format-14 1:14" "clang-$llvm 1:$llvm" "clang-tidy-$llvm 1:$llvm" "libclang-rt-$llvm-dev 1:$llvm"
    "shellcheck 0.9" "git 1:2")
fi

if $mpi; then packages+=("openmpi-bin 4.1" "libopenmpi-dev 4.1"); fi
if $python; then packages+=("python3-dev 3.11" "python3-venv 3.11" "python3-torch 1.13" "python3-torchvision 0.14"); fi
if $images; then packages+=("dataset-fashion-mnist 0.0~git2020"); fi
if $reference; then packages+=("doxygen 1.9"); fi
if $browser; then packages+=("chromium 120" "poppler-utils 22"); fi

# have PACKAGE OLDEST: installed, and new enough?
have() {
  local state
  state=$(dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" 2>/dev/null) || return 1
  [[ $state == "installed "* ]] && dpkg --compare-versions "${state#installed }" ge "$2"
}

missing=()
for entry in "${packages[@]}"; do
  read -r package oldest <<<"$entry"
  have "$package" "$oldest" || missing+=("$entry")
done
if ((${#missing[@]} == 0)); then exit 0; fi

echo "setup.sh: missing packages (name, oldest version that will do):"
printf '  %s\n' "${missing[@]}"
if $check; then exit 1; fi

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "setup.sh: neither root nor sudo; run as root: apt-get install ${missing[*]%% *}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@"; }

echo "setup.sh: running apt-get update, then apt-get install of the packages above${as_root:+ with sudo}"
apt update -qq || echo "setup.sh: apt-get update failed for some source; going on with the lists at hand" >&2

install=()
for entry in "${missing[@]}"; do
  read -r package oldest <<<"$entry"
  candidate=$(LC_ALL=C apt-cache policy "$package" | sed -n 's/^  Candidate: //p')
  if [[ -z $candidate || $candidate == "(none)" ]]; then
    echo "setup.sh: this distribution has no package $package; use Debian 12, Ubuntu 24.04 or later" >&2
    exit 1
  fi
  if ! dpkg --compare-versions "$candidate" ge "$oldest"; then
    echo "setup.sh: $package $candidate is too old, $oldest is needed; use Debian 12, Ubuntu 24.04 or later" >&2
    exit 1
  fi
  install+=("$package")
done
apt install -y -qq --no-install-recommends "${install[@]}"
