"""Prints what `itm evaluate` found on every table as the markdown of docs/choose.md: a folder of its JSON files in."""

import json
import pathlib
import statistics
import sys


def better(row, figure, pick):
    others = [row[figure][by] for by in ("score", "order") if row[figure][by] is not None]
    return pick(others) if others else None


def mean(values):
    values = [value for value in values if value is not None]
    return statistics.fmean(values) if values else None


def text(value, form):
    return "-" if value is None else format(value, form)


tables = {path.stem: json.loads(path.read_text())["results"] for path in sorted(pathlib.Path(sys.argv[1]).glob("*.json"))}

print("| known | tables | tau_w, both | better of the two | regret, both | better of the two |")
print("| --- | --- | --- | --- | --- | --- |")
for known in (0, 1, 2, 3, 5, 9):
    rows = [row for rows in tables.values() for row in rows if row["known"] == known and row["cases"] > 0]
    taus = [row["tau_w"]["choose"] for row in rows]
    losses = [(row["regret"]["choose"], better(row, "regret", min)) for row in rows if row["regret"]["choose"] is not None]
    print(f"| {known} | {len(rows)} | {mean(taus):.3f} | {mean(better(row, 'tau_w', max) for row in rows):.3f} "
          f"| {mean(loss[0] for loss in losses):.2f} | {mean(loss[1] for loss in losses):.2f} |")

print("\n| table | least tau_w against the better of the two | most regret against it | list holds the best "
      "| of the zoo | truth in interval |")
print("| --- | --- | --- | --- | --- | --- |")
summary = []
for name, rows in tables.items():
    rows = [row for row in rows if row["cases"] > 0]
    tau = min((row["tau_w"]["choose"] - better(row, "tau_w", max), row["known"]) for row in rows)
    regrets = [(row["regret"]["choose"] - better(row, "regret", min), row["known"]) for row in rows
               if row["regret"]["choose"] is not None]
    regret = max(regrets)
    learned = [row for row in rows if row["known"] >= 1]
    cases = sum(row["cases"] for row in learned)
    over = [sum(row[figure] * row["cases"] for row in learned) / cases for figure in ("coverage", "share")]
    held = mean(row["interval_coverage"] for row in learned)
    summary.append((*over, held))
    print(f"| `{name}` | {tau[0]:+.3f} (k = {tau[1]}) | {regret[0]:+.2f} (k = {regret[1]}) | {100 * over[0]:.0f} % "
          f"| {100 * over[1]:.0f} % | {text(held and 100 * held, '.0f')} % |")
print(f"| mean | | | {100 * mean(s[0] for s in summary):.0f} % | {100 * mean(s[1] for s in summary):.0f} % "
      f"| {100 * mean(s[2] for s in summary):.0f} % |")
