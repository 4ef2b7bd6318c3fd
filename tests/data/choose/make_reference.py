"""Writes reference.json: a small choice worked out with dense float64 matrices, which the tests of `itm choose` compare
with. It follows docs/choose.md and shares no code with itm: general qualities and weights are one joint Gaussian here, and
known truths are conditioned on through their full covariance. Run once in this folder: python make_reference.py (numpy 2).
"""

import itertools
import json
import pathlib
from statistics import NormalDist

import numpy as np

RHOS = [(0.05, 0.06), (0.35, 0.10), (0.55, 0.16), (0.7, 0.2), (0.82, 0.22), (0.9, 0.16), (0.96, 0.10)]
KINDS = [(1.0, 0.75), (0.2, 0.25)]
NOISES = [(0.35, 0.2), (0.65, 0.3), (1.0, 0.5)]
OMEGAS = [(0.005, 0.3), (0.015, 0.3), (0.05, 0.25), (0.15, 0.15)]
WORTH, ROUNDS, LARGEST, SLOPE, DRIFT, OFFSET_SD, LEVEL_WORTH = 6.0, 6, 2.0, 0.1, 0.15, 1.0, 2.0
LONE_LOGIT_SD, LONE_SCALE_SD, LEAST = 1.2, 0.6, 1e-4
NODES = [-1.8, -1.2, -0.6, 0.0, 0.6, 1.2, 1.8]


def blom(values):
    order = sorted(range(len(values)), key=lambda i: -values[i])
    score = np.zeros(len(values))
    for rank, i in enumerate(order, 1):
        score[i] = NormalDist().inv_cdf((len(values) - rank + 0.625) / (len(values) + 0.25))
    return score


def shares(logs):
    logs = np.array(logs)
    e = np.exp(logs - logs.max())
    return e / e.sum()


def log_normal(y, mean, covariance):
    r = y - mean
    return -0.5 * (len(y) * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1] + r @ np.linalg.solve(covariance, r))


def next_of(values, prior_sd):
    n = len(values)
    squares = LEVEL_WORTH * prior_sd**2 + np.sum((np.array(values) - np.mean(values)) ** 2)
    return np.mean(values), np.sqrt(squares / (LEVEL_WORTH + n - 1) * (1 + 1 / n))


def learn(ys, xs, rho):
    """ys[d]: [M] with NaN; xs[d]: [M, F]. All ways that weights may be given rho, as (log evidence, joint mean and
    covariance of (w, u), states)."""
    D, M, F = len(ys), len(ys[0]), xs[0].shape[1]
    base = [(rho * follows, np.sqrt((1 - (rho * follows) ** 2) * part), a * b)
            for (follows, a), (part, b) in itertools.product(KINDS, NOISES)]
    states = list(base)
    q = [np.array([s[2] for s in base]) for _ in ys]
    offset = np.zeros(D)

    def solve():
        ways = []
        moments = []
        for d in range(D):
            a = sum(p * s[0] ** 2 / s[1] ** 2 for p, s in zip(q[d], states))
            b = sum(p * s[0] / s[1] ** 2 for p, s in zip(q[d], states))
            c = sum(p / s[1] ** 2 for p, s in zip(q[d], states))
            moments.append((a, b, c))
        for omega, share in OMEGAS:
            prior = np.diag([1 / 0.5**2, 1 / 0.15**2] + [1 / omega**2] * (F - 2) + [1.0] * M)
            start = np.array([0.5, 0.15] + [0.0] * (F - 2) + [0.0] * M)
            precision, right = prior.copy(), prior @ start
            log = 0.5 * np.linalg.slogdet(prior)[1] - 0.5 * start @ prior @ start + np.log(share)
            for d in range(D):
                a, b, c = moments[d]
                for m in range(M):
                    if np.isnan(ys[d][m]):
                        continue
                    y = ys[d][m] - offset[d]
                    x = np.concatenate([xs[d][m], np.zeros(M)])
                    u = np.zeros(F + M)
                    u[F + m] = 1
                    precision += c * np.outer(x, x) + b * (np.outer(x, u) + np.outer(u, x)) + a * np.outer(u, u)
                    right += c * y * x + b * y * u
                    log -= 0.5 * c * y * y + 0.5 * np.log(2 * np.pi)
                    log -= sum(p * np.log(s[1]) for p, s in zip(q[d], states))
                log -= sum(p * np.log(p / s[2]) for p, s in zip(q[d], base))
            covariance = np.linalg.inv(precision)
            mean = covariance @ right
            log += 0.5 * mean @ right - 0.5 * np.linalg.slogdet(precision)[1]
            ways.append((log, mean, covariance))
        return ways, moments

    ways, moments = solve()
    for _ in range(ROUNDS):
        w = max(ways, key=lambda way: way[0])[1][:F]
        new = []
        for d in range(D):  # each against the qualities that the solution holds, and what the others say of them
            a, b, c = moments[d]
            models = [m for m in range(M) if not np.isnan(ys[d][m])]
            rest, mean, variance = [], [], []
            for m in models:
                seen = [e for e in range(D) if e != d and not np.isnan(ys[e][m])]
                p = 1 + sum(moments[e][0] for e in seen)
                level = sum(moments[e][1] * (ys[e][m] - offset[e] - xs[e][m] @ w) for e in seen)
                rest.append(ys[d][m] - xs[d][m] @ w)
                mean.append(level / p)
                variance.append(1 / p)
            rest, mean, variance = map(np.array, (rest, mean, variance))
            v = a / c * variance + 1 / c
            whole = len(models) == M
            o = 0.0 if whole else np.sum((rest - b / c * mean) / v) / (np.sum(1 / v) + 1 / OFFSET_SD**2)
            logs = []
            for r, s, p in states:
                v = s * s + r * r * variance
                logs.append(np.log(p) - 0.5 * np.sum(np.log(v) + (rest - o - r * mean) ** 2 / v))
            new.append((o, shares(logs)))
        offset = np.array([o for o, _ in new])
        q = [p for _, p in new]
        states = [(r, s, (WORTH * b[2] + sum(p[j] for p in q)) / (WORTH + D))
                  for j, ((r, s, _), b) in enumerate(zip(states, base))]
        ways, moments = solve()
    return [(way, states) for way in ways]


def choose(truth, scores, target, past, known):
    """truth[d][m], scores[d][k][m]; the joint mixture's mean and sd of every model's quality on the target."""
    M = len(truth[target])
    votes = {d: np.mean(scores[d], axis=0) for d in [*past, target]}
    habit = np.mean([votes[d] for d in [*past, target]], axis=0)
    x = {d: np.column_stack([habit, votes[d] - habit, *scores[d]]) for d in votes}
    F = x[target].shape[1]
    linked = {d: np.array([np.nan if t is None else np.log(t / (100 - t)) for t in truth[d]]) for d in [*past, target]}
    centre = {d: np.nanmean(linked[d]) for d in past}
    spread = {d: np.nanstd(linked[d], ddof=1) for d in past}
    ys = [(linked[d] - centre[d]) / spread[d] for d in past]
    ys = [np.where(abs(y) > LARGEST, np.sign(y) * (LARGEST + SLOPE * (abs(y) - LARGEST)), y) for y in ys]
    log_scale, log_scale_sd = next_of([np.log(spread[d]) for d in past], LONE_SCALE_SD)
    level, level_sd = next_of([centre[d] for d in past], LONE_LOGIT_SD)
    parts = []
    for rho, rho_share in RHOS:
        for (log, mean, covariance), states in learn(ys, [x[d] for d in past], rho):
            drift = np.diag([DRIFT**2, DRIFT**2] + [0.0] * (F - 2))
            for r, s, p in states:
                h = np.hstack([x[target], r * np.eye(M)])  # quality = h . (w, u) + noise
                # The weights drift from data set to data set; only those of the target's own features do.
                m_y = h @ mean
                c_y = h @ covariance @ h.T + x[target] @ drift @ x[target].T + s * s * np.eye(M)
                weight = log + np.log(rho_share) + np.log(p)
                if not known:
                    parts.append((weight, m_y, np.diag(c_y), r))
                    continue
                for node in NODES:
                    scale = np.exp(log_scale + node * log_scale_sd)
                    # linked / scale = offset / scale + quality
                    k = np.array(known)
                    z = linked[target][k] / scale
                    o_mean, o_var = level / scale, (level_sd / scale) ** 2
                    c_z = c_y[np.ix_(k, k)] + o_var
                    evidence = log_normal(z, o_mean + m_y[k], c_z) - len(k) * np.log(scale)
                    gain = np.linalg.solve(c_z, z - o_mean - m_y[k])
                    post = m_y + c_y[:, k] @ gain
                    var = np.diag(c_y) - np.sum(c_y[:, k] * np.linalg.solve(c_z, c_y[:, k].T).T, axis=1)
                    offset = o_mean + o_var * np.sum(gain)
                    offset_var = o_var - o_var**2 * np.sum(np.linalg.inv(c_z))
                    post[k] = z - offset
                    var[k] = offset_var
                    parts.append((weight + evidence - 0.5 * node * node, post, var, r))
    weights = shares([part[0] for part in parts])
    weights[weights < LEAST] = 0
    weights /= weights.sum()
    mean = sum(w * part[1] for w, part in zip(weights, parts))
    second = sum(w * (part[2] + part[1] ** 2) for w, part in zip(weights, parts))
    return {"mean": mean.tolist(), "sd": np.sqrt(second - mean**2).tolist(),
            "order_share": float(sum(w * part[3] for w, part in zip(weights, parts)))}


def main():
    rng = np.random.default_rng(3)
    M, K = 7, 2
    datasets = ["birds", "cars", "dogs", "eyes", "fonts"]
    quality = rng.normal(size=M)
    truth, raw = {}, {}
    for d in datasets:
        rho = 0.2 if d == "eyes" else 0.9
        y = rho * quality + np.sqrt(1 - rho * rho) * rng.normal(size=M)
        truth[d] = [round(float(100 / (1 + np.exp(-(0.8 + 0.5 * v)))), 2) for v in y]
        raw[d] = [[round(float(v), 4) for v in 0.7 * y + rng.normal(size=M)] for _ in range(K)]
    truth["birds"][2] = None
    truth["birds"][5] = None
    scores = {d: [blom(row) for row in raw[d]] for d in datasets}
    out = {"models": [f"m{m}" for m in range(M)], "methods": ["first", "second"], "truth": truth, "scores": raw,
           "target": "fonts", "cases": []}
    for past, known in ([["birds", "cars", "dogs", "eyes"], []], [["cars"], []], [["birds", "cars", "dogs", "eyes"], [1, 4]]):
        out["cases"].append({"past": past, "known": known, **choose(truth, scores, "fonts", past, known)})
    (pathlib.Path(__file__).parent / "reference.json").write_text(json.dumps(out, indent=1) + "\n")


main()
