#!/usr/bin/env python3
"""Gates on the machine code of the GPU kernels.

usage: machine_code.py FILE... [--arch sm_90] [--table kernels/machine_code.txt]
       machine_code.py --prove [--arch sm_90]
       machine_code.py --list FILE... [--arch sm_90]

FILE: object files, libraries, programs or cubins. The table names kernels and what must hold of each:
  registers   as many blocks of its threads as the table says fit an SM's 65,536 registers
  local       no local memory: no spilled register, no array that is indexed at run time
  float32     no float64 arithmetic in a loop
  wide-load, wide-store, wide-shared
              global loads, global stores, shared loads of 128 bits are there
  tensor      tensor-core instructions are there
A name may hold * for any text. A kernel of the table that no file holds is an error. --prove compiles
tests/kernels/broken_kernels.cu, whose kernels break one gate each, and fails unless each is caught by its gate and no
other. --list prints what the files hold.

Needs cuobjdump and nvdisasm, in PATH, $CUDA_HOME/bin or /usr/local/cuda/bin; scripts/machine_code.sh gets them.
"""

import argparse
import dataclasses
import fnmatch
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SM_REGISTERS = 65_536
REGISTER_UNIT = 256  # registers are given to a warp in units of so many
WARP = 32
# Pointers that a kernel finds in memory are not known to be global: LD and ST.
WIDE = {"wide-load": ("LDG", "LD"), "wide-store": ("STG", "ST"), "wide-shared": ("LDS",)}
GATES = ("local", "float32", *WIDE, "tensor")


class Refused(Exception):
    """A sentence for the person who called."""


@dataclasses.dataclass
class Instruction:
    address: int
    opcode: str  # with its modifiers
    target: int | None  # where a branch goes


@dataclasses.dataclass
class Kernel:
    name: str
    registers: int = 0
    stack: int = 0
    local: int = 0
    code: list[Instruction] = dataclasses.field(default_factory=list)

    def loops(self):
        """Address ranges that a branch backwards repeats. A branch to itself is padding behind the code."""
        return [(i.target, i.address) for i in self.code if i.target is not None and i.target < i.address]

    def in_loops(self):
        loops = self.loops()
        return [i for i in self.code if any(first <= i.address <= last for first, last in loops)]


@dataclasses.dataclass
class Expectation:
    kernel: str
    threads: int
    blocks: int
    gates: tuple[str, ...]


def tool(name):
    places = [os.environ.get("CUDA_HOME", "") + "/bin", "/usr/local/cuda/bin"]
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise Refused(f"{name} is not here; scripts/machine_code.sh gets it from PyPI")
    return found


def output_of(command):
    # cuobjdump looks for nvdisasm in PATH.
    places = {str(pathlib.Path(tool(name)).parent) for name in ("cuobjdump", "nvdisasm")}
    environment = os.environ | {"PATH": os.pathsep.join([*sorted(places), os.environ.get("PATH", "")])}
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if run.returncode != 0:
        raise Refused(f"{' '.join(map(str, command))} failed: {(run.stderr or run.stdout).strip()[-300:]}")
    return run.stdout


def demangle(names):
    run = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True)
    return dict(zip(names, run.stdout.splitlines()))


def short_name(demangled):
    """gather_rows<float> of "void itm::cuda::gather_rows<float>(itm::cuda::Lane<float> const*, ...)"."""
    name = re.sub(r"^void ", "", demangled)
    depth = 0
    for at, letter in enumerate(name):
        depth += (letter == "<") - (letter == ">")
        if letter == "(" and depth == 0 and not name.startswith("(anonymous", at):
            name = name[:at]
            break
    plain, angle, rest = name.partition("<")
    return plain.rsplit("::", 1)[-1] + angle + rest


def parse_usage(text, kernels):
    for mangled, numbers in re.findall(r"Function (\S+):\s+(REG:\S.*)", text):
        values = {key: int(value) for key, value in re.findall(r"(\w+):(\d+)", numbers)}
        kernel = kernels.setdefault(mangled, Kernel(mangled))
        kernel.registers, kernel.stack, kernel.local = values["REG"], values["STACK"], values["LOCAL"]


def parse_code(text, kernels):
    line = re.compile(r"/\*([0-9a-f]{4,})\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)(.*?);")
    kernel = None
    for row in text.splitlines():
        if heading := re.search(r"Function : (\S+)", row):
            kernel = kernels.setdefault(heading.group(1), Kernel(heading.group(1)))
        elif kernel is not None and (found := line.search(row)):
            address, opcode, operands = found.groups()
            target = re.search(r"\b0x([0-9a-f]+)\b\s*$", operands.strip()) if opcode.startswith("BRA") else None
            kernel.code.append(Instruction(int(address, 16), opcode, int(target.group(1), 16) if target else None))


def kernels_of(files, arch):
    """By short name; one that several files hold counts once."""
    found = {}
    for file in files:
        options = [] if str(file).endswith(".cubin") else ["-arch", arch]
        kernels = {}
        parse_usage(output_of([tool("cuobjdump"), "-res-usage", *options, str(file)]), kernels)
        parse_code(output_of([tool("cuobjdump"), "-sass", *options, str(file)]), kernels)
        names = demangle(list(kernels))
        for mangled, kernel in kernels.items():
            kernel.name = short_name(names[mangled])
            found.setdefault(kernel.name, kernel)
    return found


def is_float64(opcode):
    head, *modifiers = opcode.split(".")
    return head in ("DADD", "DMUL", "DFMA", "DSETP", "DMNMX", "DMMA") or "F64" in modifiers


def wide(kernel, opcodes):
    """How many of these move 128 bits."""
    return sum(i.opcode.split(".")[0] in opcodes and ".128" in i.opcode for i in kernel.code)


def registers_of_warp(kernel):
    return -(-kernel.registers * WARP // REGISTER_UNIT) * REGISTER_UNIT


def failures(kernel, expected):
    """What is wrong with a kernel: (gate, sentence)."""
    wrong = []
    warps = -(-expected.threads // WARP)
    fit = SM_REGISTERS // registers_of_warp(kernel) // warps
    if fit < expected.blocks:
        wrong.append(("registers", f"{kernel.registers} registers let {fit} blocks of {expected.threads} threads run "
                                   f"on an SM, not {expected.blocks}"))
    heads = [i.opcode.split(".")[0] for i in kernel.code]
    if "local" in expected.gates:
        touched = heads.count("LDL") + heads.count("STL")
        if touched or kernel.local or kernel.stack:
            bytes_of_thread = kernel.stack + kernel.local
            wrong.append(("local", f"{touched} accesses to local memory, {bytes_of_thread} bytes of it a thread"))
    if "float32" in expected.gates:
        slow = sorted({i.opcode for i in kernel.in_loops() if is_float64(i.opcode)})
        if slow:
            wrong.append(("float32", f"float64 in a loop: {', '.join(slow)}"))
    for gate, opcodes in WIDE.items():
        if gate in expected.gates and not wide(kernel, opcodes):
            wrong.append((gate, f"no {' or '.join(opcodes)} of 128 bits"))
    if "tensor" in expected.gates and not any(head in ("HMMA", "HGMMA", "UTCHMMA", "UTCQMMA") for head in heads):
        wrong.append(("tensor", "no tensor-core instruction"))
    return wrong


def read_table(path):
    table = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        try:
            name, threads, blocks, *gates = words
            expected = Expectation(name, int(threads), int(blocks), tuple(gates))
        except ValueError as error:
            raise Refused(f"{path}:{number}: not KERNEL THREADS BLOCKS GATE...: {line}") from error
        if unknown := set(gates) - set(GATES):
            raise Refused(f"{path}:{number}: no such gate: {', '.join(sorted(unknown))}; there are {', '.join(GATES)}")
        table.append(expected)
    return table


def figures(kernel):
    slow = sum(is_float64(i.opcode) for i in kernel.in_loops())
    loads, stores, shared = (wide(kernel, opcodes) for opcodes in WIDE.values())
    return (f"{kernel.name:<28.60} {kernel.registers:4} registers {kernel.stack + kernel.local:4} B local "
            f"{len(kernel.code):6} instructions {slow:4} float64 in loops; of 128 bits {loads:3} loads {stores:3} "
            f"stores {shared:3} shared loads")


def check(files, arch, table):
    kernels = kernels_of(files, arch)
    bad = 0
    for expected in table:
        named = [k for name, k in kernels.items() if k.code and fnmatch.fnmatchcase(name, expected.kernel)]
        if not named:
            print(f"FAILED {expected.kernel}: no file holds it for {arch}")
            bad += 1
        if len(named) == 1:
            print(figures(named[0]))
        elif named:
            most = max(named, key=lambda k: k.registers)
            print(f"{expected.kernel:<28} {most.registers:4} registers at most, in {len(named)} kernels")
        for kernel in named:
            for gate, sentence in failures(kernel, expected):
                print(f"FAILED {kernel.name}: {gate}: {sentence}")
                bad += 1
    print(f"{arch}: {len(table)} lines of the table, {bad} gates failed")
    return bad == 0


def prove(arch):
    """Every kernel of broken_kernels.cu is named breaks_GATE or, with all that is asked for, sound."""
    source = ROOT / "tests/kernels/broken_kernels.cu"
    nvcc = tool("nvcc")
    with tempfile.TemporaryDirectory() as folder:
        cubin = pathlib.Path(folder) / "broken.cubin"
        output_of([nvcc, "-std=c++20", "-O3", f"-arch={arch}", "-cubin", "-o", str(cubin), str(source)])
        kernels = kernels_of([cubin], arch)
    good = True
    gate_of = {"sound": set(), "breaks_local_by_spilling": {"local"}}
    gate_of |= {"breaks_" + gate.replace("-", "_"): {gate} for gate in (*GATES, "registers")}
    if set(kernels) != set(gate_of):
        raise Refused(f"{source}: holds {sorted(kernels)}, not {sorted(gate_of)}")
    for name, kernel in sorted(kernels.items()):
        caught = {gate for gate, _ in failures(kernel, Expectation(name, 256, 4, GATES))}
        verdict = "ok" if caught == gate_of[name] else "FAILED"
        print(f"{verdict} {name}: caught by {', '.join(sorted(caught)) or 'no gate'}")
        good = good and caught == gate_of[name]
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--arch", default="sm_90")
    parser.add_argument("--table", type=pathlib.Path, default=ROOT / "kernels/machine_code.txt")
    parser.add_argument("--prove", action="store_true", help="show that each gate fails on a kernel made to break it")
    parser.add_argument("--list", action="store_true", help="print what the files hold and check nothing")
    arguments = parser.parse_args()
    if arguments.prove:
        return prove(arguments.arch)
    if not arguments.files:
        raise Refused("which files? see --help")
    if arguments.list:
        for kernel in kernels_of(arguments.files, arguments.arch).values():
            print(figures(kernel))
        return True
    return check(arguments.files, arguments.arch, read_table(arguments.table))


if __name__ == "__main__":
    try:
        sys.exit(0 if main() else 1)
    except Refused as refusal:
        sys.exit(f"machine_code.py: {refusal}")
