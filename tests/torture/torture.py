#!/usr/bin/env python3
"""Attacks the program as a stranger's folder, a bad day of the machine or a closed laptop would; see scripts/torture.sh.

Every case must end with a status of the program's own, within its time, with sentences that begin with "itm: ", and leave
nothing behind. A fault prints the name of its case; --seed and --case repeat it.
"""

import argparse
import concurrent.futures
import os
import random
import shutil
import sys
import tempfile
import time

import stages
from attack import Case, Program


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--itm", default=os.environ.get("ITM", "build/release/bin/itm"), help="the program")
    parser.add_argument("--seed", type=int, default=None, help="of every random number; default: another each time")
    parser.add_argument("--hours", type=float, default=0, help="go on with new seeds for so long")
    parser.add_argument("--mutations", type=int, default=2000, help="mutated files in all")
    parser.add_argument("--kills", type=int, default=20, help="SIGKILLs of a sweep")
    parser.add_argument("--case", default="", help="only the cases whose name begins so")
    parser.add_argument("--jobs", type=int, default=2, help="cases at a time")
    parser.add_argument("--data", default=os.path.join(os.path.dirname(__file__), "..", "data"), help="tests/data")
    return parser.parse_args()


def judge(seed, name, attack, scratch):
    case = Case(seed, name, scratch)
    try:
        fault = attack(case)
    except Exception as error:  # pylint: disable=broad-except
        fault = f"{type(error).__name__}: {error}"
    if not fault:
        case.close()
        return None
    return f"FOUND --seed {seed} --case {name}: {fault}\n  files: {case.folder}"


def round_of(arguments, program, seed):
    """One round; returns how many cases passed and failed."""
    scratch = tempfile.mkdtemp(prefix="itm-torture-")
    began = time.monotonic()
    folder = os.path.join(scratch, "material")
    os.makedirs(folder)
    material = stages.Material(program, folder, arguments.data)
    everything = [("mutations", stages.mutations(program, material, arguments.mutations)),
                  ("kills", stages.kills(program, material, arguments.kills)),
                  ("limits", stages.limits(program, material)),
                  ("descriptors", stages.descriptors(program, material)),
                  ("terminals", stages.terminals(program, material)),
                  ("names", stages.names(program, material)),
                  ("odd files", stages.odd_files(program, material))]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for stage, cases in everything:
            start = time.monotonic()
            chosen = [(name, attack) for name, attack in cases if name.startswith(arguments.case)]
            faults = [fault for fault in pool.map(lambda one: judge(seed, *one, scratch), chosen) if fault]
            for fault in faults[:20]:
                print(fault, flush=True)
            if len(faults) > 20:
                print(f"... and {len(faults) - 20} more")
            passed += len(chosen) - len(faults)
            failed += len(faults)
            if chosen:
                print(f"{stage:<12} {len(chosen):5d} cases, {len(faults)} faults, {time.monotonic() - start:.0f} s",
                      flush=True)
    if failed == 0:
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"seed {seed}: {time.monotonic() - began:.0f} s", flush=True)
    return passed, failed


def main():
    arguments = parse()
    sys.stdout.reconfigure(errors="backslashreplace")
    program = Program(arguments.itm)
    until = time.monotonic() + 3600 * arguments.hours
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**9)
    passed = failed = 0
    while True:
        print(f"{program.path}: seed {seed}", flush=True)
        more_passed, more_failed = round_of(arguments, program, seed)
        passed += more_passed
        failed += more_failed
        seed += 1
        if time.monotonic() >= until:
            break
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
