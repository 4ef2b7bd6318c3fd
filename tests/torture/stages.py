"""The attacks. A stage is a generator of (name of the case, function of the case that returns a fault or None)."""

import csv
import itertools
import json
import os
import pty
import resource
import shutil
import signal
import stat
import struct
import time
import zipfile

from attack import UNSEEN, fault_of, leftovers
from mutate import mutated


class Material:
    """Small files of every kind, made once by the program itself."""

    def __init__(self, program, folder, data):
        self.folder = folder
        self.zoo = os.path.join(folder, "zoo")
        self.must(program.run(["synth", self.zoo, "--models", "2", "--rows", "40", "--dims", "6", "--classes", "3"]))
        self.truth = os.path.join(self.zoo, "ground_truth.csv")
        self.scores = os.path.join(folder, "scores.json")
        self.must(program.run(["rank", self.zoo, "--method", "knn,logme", "--truth", self.truth, "--out", self.scores]))
        self.scores_csv = os.path.join(folder, "scores.csv")
        self.must(program.run(["rank", self.zoo, "--method", "knn,logme", "--out", self.scores_csv]))
        self.spec = os.path.join(folder, "spec.json")
        with open(self.spec, "w", encoding="utf-8") as file:
            json.dump({"schema": "itm.sweep/1", "zoo": "zoo", "truth": "zoo/ground_truth.csv",
                       "methods": ["knn", "logme"], "settings": {"knn-neighbours": [1, 3]}}, file)
        ended = program.run(["sweep", self.spec])
        if ended.status != 0:  # the name of the option is another
            with open(self.spec, "w", encoding="utf-8") as file:
                json.dump({"schema": "itm.sweep/1", "zoo": "zoo", "truth": "zoo/ground_truth.csv",
                           "methods": ["knn", "logme", "parc"]}, file)
            self.must(program.run(["sweep", self.spec]))
        self.journal = os.path.join(folder, "spec.journal.jsonl")
        self.trace = os.path.join(data, "itm_trace", "small")
        feature = next(name for name in sorted(os.listdir(self.zoo)) if name.endswith("_feature.npy"))
        with open(os.path.join(self.zoo, feature), "rb") as file:
            self.feature = file.read()
        with open(os.path.join(self.zoo, feature.replace("feature", "label")), "rb") as file:
            self.label = file.read()

    @staticmethod
    def must(ended):
        if ended.status != 0:
            raise SystemExit(f"torture: {ended.command}: {ended.status} {ended.err.decode(errors='replace')}")

    def npz(self, path):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("feature.npy", self.feature)
            archive.writestr("label.npy", self.label)

    def safetensors(self, path):
        values = self.feature[-40 * 6 * 4:]
        labels = self.label[-40 * 8:]
        header = json.dumps({"feature": {"dtype": "F32", "shape": [40, 6], "data_offsets": [0, len(values)]},
                             "label": {"dtype": "I64", "shape": [40],
                                       "data_offsets": [len(values), len(values) + len(labels)]}}).encode()
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", len(header)) + header + values + labels)


# ---- Mutated files --------------------------------------------------------------------------------------------------

def stock(material, case, kind):
    """The files of one case: the one to be changed, and the command that reads it."""
    pair = [case.file("a_made_feature.npy"), case.file("a_made_label.npy")]
    with open(pair[0], "wb") as file:
        file.write(material.feature)
    with open(pair[1], "wb") as file:
        file.write(material.label)
    methods = ["--method", case.random.choice(["knn", "logme", "itm --iterations 5 --eta 0.5"])]
    rank = ["rank", case.folder, *" ".join(methods).split()]
    if kind == "npy":
        return pair[0], case.random.choice([rank, ["inspect", case.folder]])
    if kind == "labels":
        return pair[1], case.random.choice([rank, ["inspect", case.folder]])
    if kind in ("npz", "safetensors"):
        for path in pair:
            os.remove(path)
        path = case.file("a_made." + kind)
        getattr(material, kind)(path)
        return path, case.random.choice([rank, ["inspect", case.folder]])
    if kind == "trace":
        folder = case.file("trace")
        shutil.copytree(material.trace, folder)
        names = sorted(os.listdir(folder))
        name = "trace.json" if case.random.random() < 0.7 else case.random.choice(names)
        return os.path.join(folder, name), ["replay", folder]
    sources = {"truth": material.truth, "scores": material.scores, "scores-csv": material.scores_csv,
               "spec": material.spec, "journal": material.journal}
    path = case.file(os.path.basename(sources[kind]))
    shutil.copy(sources[kind], path)
    if kind == "truth":
        return path, ["correlate", "--scores", material.scores, "--truth", path, "--dataset", "task1"]
    if kind in ("scores", "scores-csv"):
        return path, ["correlate", "--scores", path, "--truth", material.truth]
    shutil.copytree(material.zoo, case.file("zoo"))
    if kind == "journal":
        shutil.copy(material.spec, case.file("spec.json"))
    command = ["sweep", case.file("spec.json")]
    return path, command + (["--dry-run"] if case.random.random() < 0.3 else [])


def mutations(program, material, count):
    kinds = ["npy", "labels", "npz", "safetensors", "truth", "scores", "scores-csv", "spec", "journal", "trace"]

    def attack(kind):
        def run(case):
            path, command = stock(material, case, kind)
            with open(path, "rb") as file:
                original = file.read()
            with open(path, "wb") as file:
                file.write(mutated(case.random, original, [b"", b"\n", material.feature, b"{}", b"[]", b"PK\x05\x06"]))
            out = []
            if case.random.random() < 0.2:
                out = ["--out", case.file("result.json")]
            ended = program.run(command + out)
            fault = fault_of(ended)
            if not fault and leftovers(case.folder):
                fault = f"left {leftovers(case.folder)}"
            if not fault and ended.status in (2, 3) and os.path.exists(case.file("result.json")):
                fault = f"status {ended.status}, and yet a result"
            return fault and f"{fault}\n  {ended.command}\n  {ended.err.decode(errors='replace').strip()[:300]}"
        return run

    for index in range(count):
        kind = kinds[index % len(kinds)]
        yield f"mutation/{kind}/{index}", attack(kind)


# ---- Kills ----------------------------------------------------------------------------------------------------------

def journal_rows(path):
    """Units and scores; seconds differ from run to run."""
    rows = {}
    with open(path, encoding="utf-8") as file:
        for line in file.readlines()[1:]:
            row = json.loads(line)
            models = row["result"]["models"] if "result" in row else row.get("models", [])
            rows[json.dumps(row.get("unit", row.get("key")))] = [(m["model"], m["score"], m["rank"]) for m in models]
    return rows


def kills(program, material, count):
    def stock_sweep(case):
        shutil.copytree(material.zoo, case.file("zoo"))
        with open(case.file("spec.json"), "w", encoding="utf-8") as file:
            json.dump({"schema": "itm.sweep/1", "zoo": "zoo", "methods": ["itm"],
                       "settings": {"iterations": [60], "eta": [0.3, 0.6], "seed": [1, 2, 3, 4]}}, file)
        return ["sweep", case.file("spec.json"), "--format", "json", "--out", case.file("result.json"), "--html",
                case.file("page.html")]

    def attack(case):
        command = stock_sweep(case)
        began = time.monotonic()
        ended = program.run(command, 60)
        whole = time.monotonic() - began
        if fault := fault_of(ended, {0}):
            return fault
        expected = journal_rows(case.file("spec.journal.jsonl"))
        for name in ("spec.journal.jsonl", "result.json", "page.html"):
            os.remove(case.file(name))
        for _ in range(count):
            moment = case.random.uniform(0, whole / 2)
            ended = program.run(command, 60, after=(moment, signal.SIGKILL))
            if ended.status not in (0, -signal.SIGKILL):
                return fault_of(ended, {0}) or f"status {ended.status}"
            if ended.status == 0:
                for name in ("spec.journal.jsonl", "result.json", "page.html"):
                    os.remove(case.file(name))
        ended = program.run(command, 60)
        if fault := fault_of(ended, {0}):
            return "after kills: " + fault + " " + ended.err.decode(errors="replace")
        if journal_rows(case.file("spec.journal.jsonl")) != expected:
            return "the resumed journal differs from the undisturbed one"
        if leftovers(case.folder):
            return f"left {leftovers(case.folder)} after a whole run"
        return None

    def interrupt(kind):
        def run(case):
            command = stock_sweep(case)
            for _ in range(3):
                ended = program.run(command, 20, after=(case.random.uniform(0.1, 0.6), kind))
                if fault := fault_of(ended, {0, 130}):
                    return fault
                if leftovers(case.folder):
                    return f"left {leftovers(case.folder)}"
            return None
        return run

    yield "kill/sigkill", attack
    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGXCPU, signal.SIGQUIT):
        yield f"kill/{kind.name.lower()}", interrupt(kind)


# ---- Limits ---------------------------------------------------------------------------------------------------------

def limits(program, material):
    def with_limit(kind, value, statuses=(0, 2, 3, 130)):
        def run(case):
            shutil.copytree(material.zoo, case.file("zoo"))
            command = ["rank", case.file("zoo"), "--method", "itm,knn", "--iterations", "20", "--threads", "4", "--out",
                       case.file("result.json")]
            ended = program.run(command, 30, prepare=lambda: resource.setrlimit(kind, (value, value)))
            if ended.status == 127 and b"shared libraries" in ended.err:
                return None  # the loader's own sentence: the program has not begun
            fault = fault_of(ended, set(statuses))
            if not fault and leftovers(case.folder):
                fault = f"left {leftovers(case.folder)}"
            return fault and f"{fault}: {ended.err.decode(errors='replace')[:300]}"
        return run

    mebibyte = 1 << 20
    if not program.sanitized:  # which reserves terabytes of addresses
        for size in (40, 80, 120, 160, 200, 260, 330, 400, 600, 1000, 2000):
            yield f"limit/addresses-{size}", with_limit(resource.RLIMIT_AS, size * mebibyte)
    for size in (0, 1, 100, 4096):
        yield f"limit/file-{size}", with_limit(resource.RLIMIT_FSIZE, size)
    if not program.sanitized:  # which asks through a pipe whether memory is there, and takes no pipe for no memory
        for count in (3, 4, 5, 6, 8, 10, 16):
            yield f"limit/descriptors-{count}", with_limit(resource.RLIMIT_NOFILE, count)
    for count in (0, 1, 2):
        yield f"limit/processes-{count}", with_limit(resource.RLIMIT_NPROC, count)
    yield "limit/stack-256k", with_limit(resource.RLIMIT_STACK, 256 * 1024)


# ---- Descriptors and terminals --------------------------------------------------------------------------------------

def descriptors(program, material):
    def attack(redirection, statuses):
        def run(case):
            shutil.copytree(material.zoo, case.file("zoo"))
            lines = ["$ITM rank zoo --method knn --verbose", "$ITM --help", "$ITM --version",
                     "$ITM sweep none.json", "$ITM inspect zoo"]
            for line in lines:
                ended = program.run(None, folder=case.folder, shell=f"{line} {redirection}")
                wanted = {2} if "none.json" in line else statuses
                if ended.status not in wanted:
                    return f"{line} {redirection}: status {ended.status}: {ended.err.decode(errors='replace')[:300]}"
            result = case.file("result.csv")
            ended = program.run(None, folder=case.folder, shell=f"{lines[0]} --out {result} {redirection}")
            with open(result, "rb") as file:
                text = file.read()
            if ended.status != 0 or b"itm:" in text or not text.startswith(b"dataset,"):
                return f"--out {redirection}: status {ended.status}, {text[:80]!r}"
            return None
        return run

    cases = [("2>&-", {0}), ("2>/dev/full", {0}), ("<&-", {0}), ("<&- 2>&-", {0}), (">&-", {2}), (">/dev/full", {2}),
             (">&- 2>&-", {2}), ("<&- >&- 2>&-", {2}), (">/dev/full 2>/dev/full", {2})]
    for index, (redirection, statuses) in enumerate(cases):
        yield f"descriptors/{index}", attack(redirection, statuses)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def terminals(program, material):
    def attack(foreground):
        def run(case):
            shutil.copytree(material.zoo, case.file("zoo"))
            result = case.file("result.json")
            command = [program.path, "rank", case.file("zoo"), "--iterations", "2000" if not foreground else "100000",
                       "--steps", "100", "--repeats", "2", "--out", result]
            leader, master = pty.fork()
            if leader == 0:  # as a shell with job control: a group of its own, in the foreground or not
                signal.signal(signal.SIGTTOU, signal.SIG_IGN)
                child = os.fork()
                if child == 0:
                    os.setpgid(0, 0)
                    if foreground:
                        os.tcsetpgrp(0, os.getpgrp())
                    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
                    os.execv(program.path, command)
                os.write(1, f"{child}\n".encode())
                signal.pause()
                os._exit(0)
            text = b""
            while not text.endswith(b"\n"):
                text += os.read(master, 1)
            child = int(text)
            time.sleep(0.4)
            os.kill(leader, signal.SIGKILL)
            os.close(master)
            os.waitpid(leader, 0)
            if alive(child) and not foreground:
                os.kill(child, signal.SIGHUP)
            deadline = time.monotonic() + (60 if not foreground else 3)
            while alive(child) and time.monotonic() < deadline:
                time.sleep(0.02)
            if alive(child):
                os.kill(child, signal.SIGKILL)
                return "still runs"
            if os.path.exists(result) == foreground:
                return "wrote a result although its terminal was gone" if foreground else "ended with its terminal"
            return f"left {leftovers(case.folder)}" if leftovers(case.folder) else None
        return run

    yield "terminal/foreground", attack(True)
    yield "terminal/background", attack(False)


# ---- Names and odd files --------------------------------------------------------------------------------------------

def is_formula(cell):
    try:
        float(cell)
        return False
    except ValueError:
        return cell[:1] in ("=", "+", "-", "@", "\t", "\r")


def names(program, material):
    pieces = ["\x1b[2J", "\u009b31m", "\u202e", "\u2066", "\n", "\r", "\t", "\x7f", "=1+1", "+a", "@x", "-1+1", "'", '"', ",", "é",
              "\udcff", "{", "<script>", "%s", "{}", " ", "..", "\u2028", "-"]

    def attack(case):
        for _ in range(3):
            name = "".join(case.random.choice(pieces) for _ in range(case.random.randrange(1, 5))).strip("/") or "x"
            for key, data in (("feature", material.feature), ("label", material.label)):
                with open(case.file(f"{name}_made_{key}.npy"), "wb") as file:
                    file.write(data)
        for command in (["rank", case.folder, "--method", "knn", "--html", case.folder + ".html", "--force"],
                        ["inspect", case.folder]):
            for form in ("table", "csv", "json"):
                ended = program.run([*command, "--format", form])
                if fault := fault_of(ended):
                    return fault
                text = ended.out.decode()  # an exception is a fault as well
                if UNSEEN.search(text):
                    return f"{form} holds what cannot be seen: {UNSEEN.search(text)!r}"
                if form == "json":
                    json.loads(text)
                if form == "csv" and any(map(is_formula, itertools.chain(*csv.reader(text.splitlines())))):
                    return "csv holds a formula"
        os.path.exists(case.folder + ".html") and os.remove(case.folder + ".html")
        return None

    for index in range(20):
        yield f"names/{index}", attack


def odd_files(program, material):
    def make(kind, path):
        if kind == "fifo":
            os.mkfifo(path)
        elif kind == "device":
            os.symlink("/dev/zero", path)
        elif kind == "terminal":
            os.symlink("/dev/tty", path)
        elif kind == "folder":
            os.mkdir(path)
        elif kind == "loop":
            os.symlink(os.path.basename(path), path)
        elif kind == "nothing":
            os.symlink("nowhere", path)
        elif kind == "empty":
            open(path, "wb").close()
        elif kind == "sparse":
            with open(path, "wb") as file:
                file.truncate(1 << 40)
        elif kind == "unreadable":
            with open(path, "wb") as file:
                file.write(b"x")
            os.chmod(path, 0)

    def attack(kind):
        def run(case):
            odd = case.file("odd")
            make(kind, odd)
            zoo = case.file("zoo")
            shutil.copytree(material.zoo, zoo)
            os.mkdir(case.file("trace"))
            make(kind, case.file("trace/trace.json"))
            with open(case.file("spec.json"), "w", encoding="utf-8") as file:
                json.dump({"schema": "itm.sweep/1", "zoo": "zoo", "methods": ["knn"], "truth": "odd"}, file)
            shutil.copy(material.spec, case.file("good.json"))
            feature = next(name for name in sorted(os.listdir(zoo)) if name.endswith("_feature.npy"))
            label = os.path.join(zoo, feature.replace("feature", "label"))
            feature = os.path.join(zoo, feature)
            commands = [["score", "--method", "knn", "--feature", odd, "--label", label],
                        ["score", "--method", "knn", "--feature", feature, "--label", odd],
                        ["rank", zoo, "--method", "knn", "--truth", odd], ["rank", odd],
                        ["correlate", "--scores", odd, "--truth", material.truth],
                        ["correlate", "--scores", material.scores, "--truth", odd],
                        ["sweep", odd], ["sweep", case.file("spec.json")],
                        ["replay", case.file("trace")], ["replay", odd], ["paper", "table1", "--beside", odd]]
            if kind not in ("empty", "nothing", "device", "terminal", "fifo"):
                commands.append(["sweep", case.file("good.json"), "--journal", odd])
            for command in commands:
                ended = program.run(command, 10)
                statuses = {2} if kind not in ("empty", "unreadable") else {0, 2}
                if fault := fault_of(ended, statuses):
                    return f"{' '.join(command)}: {fault}"
            return None
        return run

    kinds = ["fifo", "device", "terminal", "folder", "loop", "nothing", "empty", "sparse"]
    if os.geteuid() != 0:
        kinds.append("unreadable")
    for kind in kinds:
        yield f"odd/{kind}", attack(kind)
