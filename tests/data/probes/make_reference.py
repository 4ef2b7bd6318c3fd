"""Writes wide_feature.npy, wide_label.npy and reference.json: what the tests of kNN, linear probe, LEAD, GBC and
TransRate compare with. Each number follows the definition in docs/methods.md with numpy, scipy and scikit-learn, and
shares no code with itm. Run once in this folder: python make_reference.py (numpy 2.4, scikit-learn 1.9).
"""

import json
import pathlib

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

here = pathlib.Path(__file__).parent


# Philox4x32-10 streams as in src/core/philox.hpp.
def stream_id(name):
    hash_ = 0xCBF29CE484222325
    for char in name.encode():
        hash_ = ((hash_ ^ char) * 0x100000001B3) % 2**64
    return hash_


def philox(seed, stream, index):
    c = [index % 2**32, index >> 32, stream % 2**32, stream >> 32]
    k0, k1 = seed % 2**32, seed >> 32
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k0, p1 % 2**32, (p0 >> 32) ^ c[3] ^ k1, p0 % 2**32]
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return c


def draw64(seed, stream, i):
    w = philox(seed, stream, i // 2)
    return (w[0] << 32 | w[1]) if i % 2 == 0 else (w[2] << 32 | w[3])


def normal(seed, name, count):
    words = [philox(seed, stream_id(name), i) for i in range(count)]
    u1 = np.array([(w[0] + 1) / 2**32 for w in words])
    u2 = np.array([w[1] / 2**32 for w in words])
    return np.sqrt(-2 * np.log(u1)) * np.cos(2 * np.pi * u2)


def shuffled_class(y, c, seed, name):
    return sorted(np.flatnonzero(y == c).tolist(), key=lambda row: draw64(seed, stream_id(name), row))


def knn(x, y, k, metric):
    if metric == "cosine":
        x = x / np.linalg.norm(x, axis=1, keepdims=True)
    distance = ((x[:, None] - x[None]) ** 2).sum(-1)
    order = np.argsort(distance, axis=1, kind="stable")[:, 1 : k + 1]
    right = []
    for votes, truth in zip(y[order], y):
        labels, counts = np.unique(votes, return_counts=True)
        right.append((votes == truth).mean() if counts.max() == 1 else labels[counts.argmax()] == truth)
    return 100 * np.mean(right)


def standardised(x):
    deviation = x.std(0)
    return (x - x.mean(0)) / np.where(deviation > 1e-12, deviation, 1)


def logistic(x, y):
    return LogisticRegression(C=1.0, tol=1e-10, max_iter=100000).fit(x, y)


def linear_probe(x, y, folds, seed):
    x = standardised(x)
    fold = np.empty(len(y), int)
    order = [row for c in np.unique(y) for row in shuffled_class(y, c, seed, "stratified folds")]
    fold[order] = np.arange(len(y)) % folds
    accuracy, probability = [], np.empty((len(y), y.max() + 1))
    for f in range(folds):
        model = logistic(x[fold != f], y[fold != f])
        probability[fold == f] = model.predict_proba(x[fold == f])
        accuracy.append((model.predict(x[fold == f]) == y[fold == f]).mean())
    return {"score": np.mean(accuracy), "fold_accuracy": accuracy, "log_loss": log_loss(y, probability)}


def lead(x, y, eta, samples, width, seed):
    x = standardised(x)
    n, d = x.shape
    classes, pairs = y.max() + 1, width // 2
    logits = logistic(x, y).decision_function(x)
    w = normal(seed, "lead hidden weights", pairs * d).reshape(pairs, d)
    a = normal(seed, "lead output weights", pairs * classes).reshape(pairs, classes)
    w, a = np.vstack([w, -w]), np.vstack([a, a])
    evolved, eigenvalues = logits.copy(), []
    for c in range(classes):
        trace = 0
        rows = shuffled_class(y, c, seed, "lead samples")[:samples]
        for row in rows:
            u = w @ x[row] / np.sqrt(d)
            for out in range(classes):  # the gradient of f_out = sum_h a_h relu(u_h) / sqrt(width), parameter by parameter
                by_a = np.maximum(u, 0) / np.sqrt(width)
                by_w = (a[:, out] * (u > 0))[:, None] * x[row][None] / np.sqrt(d * width)
                trace += ((by_a**2).sum() + (by_w**2).sum()) / classes
        eigenvalues.append(trace / len(rows))
        left = np.exp(-eta * eigenvalues[-1])
        evolved[y == c] = left * logits[y == c] + (1 - left) * np.eye(classes)[c]
    loss = np.log(np.exp(evolved).sum(1)) - evolved[np.arange(n), y]
    first = np.log(np.exp(logits).sum(1)) - logits[np.arange(n), y]
    return {"score": -loss.mean(), "eigenvalues": eigenvalues, "initial_cross_entropy": first.mean()}


def gbc(x, y, dims, covariance, exact):
    x = PCA(min(dims, *x.shape), svd_solver="full").fit_transform(x)
    mean = [x[y == c].mean(0) for c in range(y.max() + 1)]
    variance = [np.maximum(x[y == c].var(0), 1e-4) for c in range(y.max() + 1)]
    if covariance == "spherical":
        variance = [np.full(x.shape[1] if exact else 1, v.mean()) for v in variance]
    total = 0
    for a in range(len(mean)):
        for b in range(len(mean)):
            if a != b:
                v = (variance[a] + variance[b]) / 2
                distance = ((mean[a] - mean[b]) ** 2 / v).sum() / 8
                distance += (np.log(v) - np.log(variance[a]) / 2 - np.log(variance[b]) / 2).sum() / 2
                total += np.exp(-distance)
    return -total


def transrate(x, y, eps, rows, exact):
    x = x - x.mean(0)
    if rows == "unit":
        x = x / np.linalg.norm(x, axis=1, keepdims=True)

    def rate(z):
        return np.linalg.slogdet(np.eye(z.shape[1]) + z.T @ z / (len(z) * eps))[1] / 2

    share = np.bincount(y) / len(y) if exact else np.full(y.max() + 1, 1 / (y.max() + 1))
    return rate(x) - sum(share[c] * rate(x[y == c]) for c in range(y.max() + 1))


def reference(x, y):
    x = x.astype(np.float64)
    deviating = x[:, x.std(0) > 1e-12]
    return {
        "knn": {f"{k} {m}": knn(x, y, k, m) for k in (1, 2, 5) for m in ("l2", "cosine")},
        "linear_probe": linear_probe(x, y, 5, 3),
        "lead": lead(x, y, 1.0, 16, 32, 3),
        "gbc": {
            f"{d} {c} {v}": gbc(x, y, d, c, v == "exact")
            for d in (8, 64)
            for c in ("spherical", "diagonal")
            for v in ("published", "exact")
            # Components without variance have no defined direction.
            if min(d, *x.shape) < min(deviating.shape[1] + 1, len(x)) or c == "spherical"
        },
        "transrate": {
            f"{r} {v}": transrate(x, y, 1e-4, r, v == "exact") for r in ("raw", "unit") for v in ("published", "exact")
        },
    }


def classifier(x, y):
    """Coefficients on standardised features, the intercept last; the intercepts' free constant makes their mean 0."""
    model = logistic(standardised(x.astype(np.float64)), y)
    return np.column_stack([model.coef_, model.intercept_ - model.intercept_.mean()])


random = np.random.default_rng(5)
label = np.arange(24) % 3
feature = (random.normal(size=(3, 40))[label] + random.normal(size=(24, 40))).astype(np.float32)
np.save(here / "wide_feature.npy", feature)
np.save(here / "wide_label.npy", label)

published = here.parent / "published"
result = {"wide": reference(feature, label)}
for case in ("case_a", "case_e"):
    result[case] = reference(np.load(published / case / "feature.npy"), np.load(published / case / "label.npy"))
result["classifier_wide"] = classifier(feature, label).tolist()
(here / "reference.json").write_text(json.dumps(result, indent=1) + "\n")
