#!/usr/bin/env bash
# Gates on the machine code of the GPU kernels: scripts/machine_code.sh [FILE...]
# Without a FILE the objects of the preset cuda. First shows that each gate catches the kernel made to break it, then checks
# kernels/machine_code.txt for every compute capability that preset builds. cuobjdump and nvdisasm come from PyPI, pinned, into build/
# where the toolkit has none.
set -euo pipefail
. "$(dirname "$0")/common.sh"

files=("$@")
if ((${#files[@]} == 0)); then
  shopt -s nullglob
  files=(build/cuda/kernels/CMakeFiles/itm_cuda.dir/*.o)
  if ((${#files[@]} == 0)); then die "no objects in build/cuda; cmake --preset cuda && cmake --build --preset cuda --target itm_cuda"; fi
fi

PATH=$PATH:${CUDA_HOME:-/usr/local/cuda}/bin
if ! command -v cuobjdump >/dev/null || ! command -v nvdisasm >/dev/null; then
  tools=build/machine-code-tools
  pinned=(nvidia-cuda-cuobjdump==13.2.78 nvidia-cuda-nvdisasm==13.2.78)
  if [[ ! -x $tools/nvidia/cu13/bin/nvdisasm || ! -x $tools/nvidia/cu13/bin/cuobjdump ]]; then
    say "Getting ${pinned[*]}"
    quietly build/machine-code-tools.log python3 -m pip install --no-deps --target "$tools" "${pinned[@]}"
    chmod +x "$tools"/nvidia/cu13/bin/*
  fi
  PATH=$PATH:$PWD/$tools/nvidia/cu13/bin
fi
export PATH

say "Each gate against the kernel made to break it"
scripts/machine_code.py --prove
for arch in ${ITM_MACHINE_CODE_ARCHS:-sm_80 sm_90 sm_100}; do
  say "$arch"
  scripts/machine_code.py "${files[@]}" --arch "$arch"
done
