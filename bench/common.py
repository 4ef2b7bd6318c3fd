"""Shared by the comparisons: run a command and time it; say where and on which commit a result was measured."""

import datetime
import os
import pathlib
import platform
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent


def seconds(command, environment=None):
    """Wall-clock seconds of a command and its standard output; a command that fails ends the comparison."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(environment or {})})
    elapsed = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr}")
    return elapsed, done.stdout


def provenance(benchmark):
    """The first keys of every result."""
    commit = subprocess.run(["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return {"benchmark": benchmark, "date": datetime.date.today().isoformat(), "commit": commit.stdout.strip(),
            "cpu": cpu, "cores": os.cpu_count(), "python": platform.python_version()}
