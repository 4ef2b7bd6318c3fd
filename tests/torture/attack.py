"""What every stage shares: running the program, and judging how it ended."""

import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time

STATUSES = {0, 1, 2, 3, 130}
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|terminate called|\*\*\* ")
UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f\x80-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
MOST_MEMORY = 1 << 30  # bytes; nothing here needs more than a tenth of it, sanitizers a few times that


class Ended:
    """How a run ended: status (negative: the signal), both outputs, seconds and the most memory that it held."""

    def __init__(self, command, status, out, err, seconds, memory, timed_out):
        self.command, self.status, self.out, self.err = command, status, out, err
        self.seconds, self.memory, self.timed_out = seconds, memory, timed_out


class Program:
    def __init__(self, path):
        self.path = os.path.abspath(path)
        with open(self.path, "rb") as file:
            self.sanitized = b"__asan_init" in file.read()

    def run(self, arguments, seconds=20, folder=None, prepare=None, shell=None, after=None):
        """Runs it with these arguments (or a line of sh in which $ITM is the program). `after` (delay, signal): sent."""
        command = ["/bin/sh", "-c", shell] if shell else [self.path, *arguments]
        environment = dict(os.environ, ITM=self.path, OPENBLAS_NUM_THREADS="1")
        began = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   cwd=folder, env=environment, preexec_fn=prepare, start_new_session=True)
        said = [b"", b""]  # pipes, because files fall under the limits of some attacks
        readers = [threading.Thread(target=read_all, args=(pipe, said, at), daemon=True)
                   for at, pipe in enumerate((process.stdout, process.stderr))]
        for reader in readers:
            reader.start()
        timed_out = False
        pause = 0.001
        while True:
            pid, raw, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            passed = time.monotonic() - began
            if after and passed >= after[0]:
                os.kill(process.pid, after[1])
                after = None
            if passed > seconds and not timed_out:
                timed_out = True
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(pause)
            pause = min(2 * pause, 0.02)
        process.returncode = os.waitstatus_to_exitcode(raw)
        for reader in readers:
            reader.join(5)
        return Ended(shell or " ".join(arguments), process.returncode, said[0], said[1], time.monotonic() - began,
                     usage.ru_maxrss * 1024, timed_out)


def read_all(pipe, said, at):
    with pipe:
        said[at] = pipe.read()


def fault_of(ended, statuses=STATUSES):
    """What is wrong with the way a run ended; None: nothing."""
    if ended.command.startswith("inspect "):
        statuses = {*statuses, 1}  # it found problems, and lists them in its result
    if ended.timed_out:
        return f"did not end within {ended.seconds:.0f} s"
    if ended.status < 0:
        return f"ended by {signal.Signals(-ended.status).name}"
    try:
        err = ended.err.decode()
    except UnicodeDecodeError:
        return "standard error is not UTF-8"
    if SANITIZER.search(err):
        return "a sanitizer or the runtime complained"
    if ended.status not in statuses:
        return f"exit status {ended.status}"
    if ended.memory > MOST_MEMORY:
        return f"took {ended.memory >> 20} MiB"
    lines = err.splitlines()
    for line in lines:
        if not line.startswith("itm: "):
            return f"says {line!r}, which is no sentence of itm"
        if UNSEEN.search(line):
            return f"writes what cannot be seen: {line!r}"
        if "internal error" in line:
            return "an error that nobody put into words: " + line
    if ended.status in (2, 3, 130) and not lines:
        return f"exit status {ended.status} without a sentence"
    return None


def leftovers(folder):
    return sorted(name for _, _, names in os.walk(folder) for name in names if name.startswith(".itm-"))


class Case:
    """One attack with random numbers of its own, in a folder of its own; `name` and the seed repeat it."""

    def __init__(self, seed, name, scratch):
        self.name = name
        self.random = random.Random(hashlib.sha256(f"{seed}/{name}".encode()).digest())
        self.folder = os.path.join(scratch, name.replace("/", "-"))
        os.makedirs(self.folder)

    def file(self, name):
        return os.path.join(self.folder, name)

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)
