"""The published scores, each by the steps and library calls of its published code: the peers of methods_vs_published.py.

Written anew, for their cost and their numbers. Left out is only what has no effect on the result: messages, arrays that
nobody reads. Every function takes float64 features (N, D) and integer labels (N,) in [0, C) and returns a float; what else
it takes is said there. Importing this module pins numpy, scipy, numba and PyTorch to one thread, so import it first.
"""

import os

for _library in ("OPENBLAS", "OMP", "MKL", "NUMBA"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"


def _best_core():
    """OpenBLAS's name for this processor. A release takes one newer than itself for a Prescott, at a third of its speed."""
    try:
        with open("/proc/cpuinfo") as file:
            flags = next((line.split() for line in file if line.startswith("flags")), [])
    except OSError:
        return None
    cores = {"avx512_bf16": "Cooperlake", "avx512f": "SkylakeX", "avx2": "Haswell"}
    return next((core for flag, core in cores.items() if flag in flags), None)


_tell = _best_core() if "OPENBLAS_CORETYPE" not in os.environ else None
if _tell:
    os.environ["OPENBLAS_CORETYPE"] = _tell

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.special
import scipy.stats
import sklearn.decomposition
import sklearn.discriminant_analysis
import sklearn.metrics
import sklearn.mixture
import sklearn.preprocessing
import torch
from numba import njit

if _tell:
    del os.environ["OPENBLAS_CORETYPE"]  # what this process starts decides for itself
torch.set_num_threads(1)


# LogME, LEEP, NCE: thuml/LogME


@njit
def _thin_svd_by_gram(x):
    """U, s, V^T of a tall matrix from the SVD of X^T X; singular values up to 1e-10 are dropped."""
    _, s, vh = np.linalg.svd(x.transpose() @ x)
    s = np.sqrt(s)
    scaled_u = x @ vh.transpose()
    kept = np.sum((s > 1e-10) * 1)
    s = s.reshape(-1, 1)[:kept]
    return scaled_u[:, :kept] / s.reshape(1, -1), s, vh[:kept]


def logme(features, labels):
    """LogME.py, LogME.fit for classes, which is _fit_fixed_point: mean over classes of the log evidence per row."""
    rows, dims = features.shape
    if rows > dims:
        u, s, vh = _thin_svd_by_gram(features)
    else:
        u, s, vh = np.linalg.svd(features, full_matrices=False)
    s = s.reshape(-1, 1)
    sigma = s**2

    def evidence_per_row(alpha, beta, residual, norm):
        evidence = dims / 2.0 * np.log(alpha) + rows / 2.0 * np.log(beta) - 0.5 * np.sum(np.log(alpha + beta * sigma))
        return (evidence - beta / 2.0 * residual - alpha / 2.0 * norm - rows / 2.0 * np.log(2 * np.pi)) / rows

    evidences, weights = [], []
    for c in range(int(labels.max() + 1)):
        target = (labels == c).astype(np.float64).reshape(-1, 1)
        x = u.T @ target
        x2 = x**2
        outside = (target**2).sum() - x2.sum()  # the part of the target that no feature direction reaches
        alpha, beta = 1.0, 1.0
        for _ in range(11):
            t = alpha / beta
            gamma = (sigma / (sigma + t)).sum()
            norm = (sigma * x2 / ((t + sigma) ** 2)).sum()
            residual = (x2 / ((1 + sigma / t) ** 2)).sum() + outside
            alpha = gamma / (norm + 1e-5)
            beta = (rows - gamma) / (residual + 1e-5)
            evidence_per_row(alpha, beta, residual, norm)  # the published loop evaluates it at every step
            if abs(alpha / beta - t) / t <= 1e-3:
                break
        evidences.append(evidence_per_row(alpha, beta, residual, norm))
        weights.append((vh.T @ (1.0 / (t + sigma) * s * x)).reshape(-1))
    np.stack(weights)  # kept by the published object for its predict()
    return np.mean(evidences)


def leep(probabilities, labels):
    """LEEP.py. `probabilities` (N, C_source): the softmax of the source head."""
    rows, source_classes = probabilities.shape
    classes = int(np.max(labels) + 1)
    normalised = probabilities / float(rows)
    joint = np.zeros((classes, source_classes))
    for c in range(classes):
        joint[c] = np.sum(normalised[labels == c], axis=0)
    conditional = (joint / joint.sum(axis=0, keepdims=True)).T
    prediction = probabilities @ conditional
    return np.mean(np.log(np.array([row[label] for row, label in zip(prediction, labels)])))


def nce(source_labels, labels):
    """NCE.py. `source_labels` (N,): the source head's most probable class."""
    rows = len(source_labels)
    joint = np.zeros((int(np.max(labels) + 1), int(np.max(source_labels) + 1)))
    for source, target in zip(source_labels, labels):
        joint[int(target), int(source)] += 1.0 / rows
    marginal = joint.sum(axis=0, keepdims=True)
    seen = marginal.reshape(-1) != 0
    conditional = (joint[:, seen] / marginal[:, seen]).T + 1e-20
    entropy = np.sum(-conditional * np.log(conditional), axis=1, keepdims=True)
    return -np.sum(entropy * marginal.reshape(-1, 1)[seen])


# SFDA: TencentARC/SFDA


def _covariance(x, shrinkage=None):
    """Biased covariance, blended with its mean variance times the identity when `shrinkage` is given."""
    covariance = np.cov(np.asarray(x).T, bias=1)
    return covariance if shrinkage is None else _shrunk(covariance, shrinkage)


def _shrunk(covariance, shrinkage):
    dims = covariance.shape[0]
    mean_variance = np.trace(covariance) / dims
    shrunk = (1.0 - shrinkage) * covariance
    shrunk.flat[:: dims + 1] += shrinkage * mean_variance
    return shrunk


def _class_sums(x, labels):
    """Class means (C, D) and labels as indices, in the published way: np.add.at row by row."""
    classes, index = np.unique(labels, return_inverse=True)
    means = np.zeros((len(classes), x.shape[1]))
    np.add.at(means, index, x)
    means /= np.bincount(index)[:, None]
    return means


def _largest_eigenvalue(matrix):
    """utils.py, iterative_A: three double steps of the power iteration, started at the row sums."""
    x = matrix.sum(axis=1)
    for _ in range(3):
        step = np.dot(matrix, x)
        y = step / np.linalg.norm(step, 2)
        step = np.dot(matrix, y)
        x = step / np.linalg.norm(step, 2)
    return np.dot(np.dot(x.T, matrix), y)


def _softmax(logits):
    logits = np.copy(logits)
    logits -= np.max(logits, axis=1).reshape(-1, 1)
    np.exp(logits, logits)
    logits /= np.sum(logits, axis=1).reshape(-1, 1)
    return logits


def _generalised_directions(between, within):
    return scipy.linalg.eigh(between, within)


def _discriminant(x, labels, shrinkage=None, directions=_generalised_directions):
    """metrics.py, SFDA.fit and predict_proba: class probabilities (N, C) of the rows, and the shrinkage used.

    `directions`: eigenvalues and vectors from the between and the within scatter (D, D).
    """
    priors = np.bincount(np.unique(labels, return_inverse=True)[1]) / float(len(labels))
    means = _class_sums(x, labels)
    within = np.zeros((x.shape[1], x.shape[1]))
    for prior, group in zip(priors, np.unique(labels)):
        within += prior * np.atleast_2d(_covariance(x[labels == group, :]))
    if shrinkage is None:
        shrinkage = max(np.exp(-5 * _largest_eigenvalue(within)), 1e-10)
    total = _covariance(x, shrinkage)
    shrunk_within = _shrunk(within, shrinkage)
    values, vectors = directions(total - shrunk_within, shrunk_within)
    vectors = vectors[:, np.argsort(values)[::-1]]
    coefficients = np.dot(means, vectors).dot(vectors.T)
    intercept = -0.5 * np.diag(np.dot(means, coefficients.T)) + np.log(priors)
    return _softmax(np.dot(x, coefficients.T) + intercept), shrinkage


def sfda(features, labels):
    """metrics.py, SFDA_Score: two discriminants with ConfMix between them. Overwrites `features`, as published."""
    rows = len(labels)
    classes = len(np.unique(labels))
    probability, shrinkage = _discriminant(features, labels)
    probability = np.exp(probability) / np.exp(probability).sum(axis=1, keepdims=True)

    means = _class_sums(features, labels)
    others = np.zeros_like(means)
    for c in range(classes):
        others[c] = (np.sum(means, axis=0) - means[c]) / (classes - 1)
    for c in range(classes):
        members = np.where(labels == c)[0]
        confidence = np.take(probability, members, axis=0)[:, c].reshape(-1, 1)
        features[members] = confidence * features[members] + (1 - confidence) * others[c]

    probability, _ = _discriminant(features, labels, shrinkage)
    return np.sum(probability[np.arange(rows), labels]) / rows


# PED, N-LEEP: lixiaotong97/PED


def _repulsion_step(x, labels, source, nsigma, time_step, constant):
    """metrics.py, One_Step_PED: rows pushed away from overlapping classes, and the sum of the classes' displacements."""
    source_mean = np.mean(source, axis=0)
    source_deviation = np.maximum(np.std(source, axis=0), 1e-3)
    x = (x - source_mean) / source_deviation
    means = _class_sums(x, labels)
    classes, dims = means.shape
    variances = np.zeros((classes, dims))
    for group in np.unique(labels):
        variances[group] = np.atleast_2d(np.var(x[labels == group, :], axis=0))
    radius = np.sqrt(np.sum(variances, axis=1))

    i, j = np.meshgrid(np.arange(classes), np.arange(classes))
    upper = np.triu(i != j, k=1)
    i, j = i[upper], j[upper]
    difference = means[i] - means[j]
    distance = np.sqrt(np.sum(difference**2, axis=1))
    overlap = np.maximum(abs(nsigma) * radius[i] + abs(nsigma) * radius[j] - distance, 0).reshape(-1, 1)
    direction = difference / np.sqrt(np.sum(difference**2, axis=1)).reshape(-1, 1)
    push = np.zeros((classes, classes, dims))
    push[upper] = -direction * np.minimum(0.5 * np.power(time_step, 2) * constant * overlap, overlap)
    push = push - np.transpose(push, (1, 0, 2))
    displacement = np.sum(push, axis=1)
    x = (x + displacement[labels]) * source_deviation + source_mean
    return x, np.sum(np.abs(displacement))


def ped(features, labels, source, nsigma=0.6, exit_ratio=0.5, time_step=0.1, constant=1.0, score=sfda):
    """metrics.py, PED_Score: up to six steps of repulsion, then `score`. `source` (S, D): features of source images."""
    x = features
    first_change = None
    for _ in range(6):
        moved, change = _repulsion_step(x, labels, source, nsigma, time_step, constant)
        first_change = first_change or change
        if not float(change) / first_change > exit_ratio:
            break
        x = moved
    return score(x, labels)


def nleep_posterior(features, components):
    """The first half of nleep(): p(component | row) (N, components). Draws from numpy's global generator, as published."""
    pca = sklearn.decomposition.PCA(n_components=0.8)
    pca.fit(features)
    reduced = pca.transform(features)
    mixture = sklearn.mixture.GaussianMixture(n_components=components).fit(reduced)
    return mixture.predict_proba(reduced)


def nleep_of_posterior(posterior, labels):
    """The second half of nleep(): mean of p(label | row), without a logarithm."""
    rows = len(labels)
    classes = len(np.unique(labels))
    joint = np.zeros((classes, posterior.shape[1]))
    for c in range(classes):
        joint[c] = np.sum(np.take(posterior, np.where(labels == c)[0], axis=0), axis=0) / rows
    conditional = joint / np.sum(joint, axis=0)
    prediction = np.dot(posterior, conditional.T)
    return np.sum(prediction[np.arange(rows), labels]) / rows


def nleep(features, labels, component_ratio=5):
    """metrics.py, NLEEP: PCA to 80 % of the variance, a Gaussian mixture of 5 C components, LEEP over its posterior."""
    return nleep_of_posterior(nleep_posterior(features, component_ratio * len(np.unique(labels))), labels)


# NCTI: BUserName/NCTI


def ncti(features, labels):
    """metrics.py, NCTI_Score: its three returns. The PCA draws from numpy's global generator, as published."""
    pca = sklearn.decomposition.PCA(n_components=64)
    x = pca.fit_transform(features, labels)
    shrinkage = max(np.exp(-pca.explained_variance_[:32].sum()), 1e-10)
    if shrinkage == 1e-10:
        rule = sklearn.discriminant_analysis.LinearDiscriminantAnalysis(solver="svd")
    else:
        rule = sklearn.discriminant_analysis.LinearDiscriminantAnalysis(solver="eigen", shrinkage=float(shrinkage))
    low = rule.fit_transform(x, labels)
    low = low - np.mean(low, axis=0, keepdims=True)
    all_nuclear = np.linalg.norm(low, ord="nuc")
    probability = rule.predict_proba(x)
    mean_probability = np.sum(probability[np.arange(len(labels)), labels]) / len(labels)
    rule.score(x, labels)  # the published function prints it
    class_nuclear = 0
    for c in range(np.unique(labels).shape[0]):
        class_nuclear += np.linalg.norm(probability[labels == c], ord="nuc")
    return all_nuclear, mean_probability, np.log(class_nuclear)


# PACTran: google-research/pactran_metrics


def pactran_gauss(features, labels, lda_factor=1.0, s2_factor=10.0):
    """compute_metrics.py, calculate_pac_gauss: the bound, lower is better. Overwrites `features`, as published; the start
    is drawn from numpy's global generator."""
    one_hot = np.eye(labels.max() + 1)[labels]
    features -= np.mean(features, axis=0, keepdims=True)
    rows, dims = features.shape
    classes = one_hot.shape[1]
    parameters = dims * classes
    prior = lda_factor * rows

    def logits_of(theta):
        theta = np.reshape(theta, [dims + 1, classes])
        return theta[:dims, :], np.matmul(features, theta[:dims, :]) + theta[dims:, :]

    def loss(theta):
        weights, logits = logits_of(theta)
        log_probability = logits - scipy.special.logsumexp(logits, axis=-1, keepdims=True)
        entropy = np.sum(np.sum(one_hot * (np.log(one_hot + 1e-10) - log_probability), axis=-1)) / rows
        return entropy + 0.5 * np.sum(np.square(weights)) / prior

    def gradient(theta):
        weights, logits = logits_of(theta)
        residual = scipy.special.softmax(logits, axis=-1)
        residual -= one_hot
        residual /= rows
        of_weights = np.matmul(features.transpose(), residual)
        of_weights += weights / prior
        return np.ravel(np.concatenate([of_weights, np.sum(residual, axis=0, keepdims=True)], axis=0))

    def second_derivative(theta):
        _, logits = logits_of(theta)
        probability = scipy.special.softmax(logits, axis=-1)
        spread = probability - np.square(probability)
        of_weights = np.matmul(np.square(features).transpose(), spread)
        of_weights += 1.0 / prior
        return np.ravel(np.concatenate([of_weights, np.sum(spread, axis=0, keepdims=True)], axis=0))

    theta = np.random.normal(size=[dims, classes]) * 0.03
    theta = np.ravel(np.concatenate([theta, np.zeros([1, classes])], axis=0))
    theta = scipy.optimize.minimize(
        loss, theta, method="L-BFGS-B", jac=gradient, options={"maxiter": 100}, tol=1e-6
    ).x
    optimum = loss(theta)
    inverse_variance = np.sum(second_derivative(theta)) * prior / parameters + 1e-10
    return optimum + 0.5 * parameters / prior * s2_factor / dims * np.log(inverse_variance)


def pactran_dirichlet(probabilities, labels, alpha=1.0):
    """compute_metrics.py, calculate_pac_dir: the bound, lower is better. `probabilities`: the softmax of the source head."""
    one_hot = np.eye(labels.max() + 1)[labels]
    sizes = np.expand_dims(np.sum(one_hot, axis=0), axis=1)
    own = alpha * sizes / np.sum(sizes) + 1e-10
    q = probabilities
    log_s = np.log(probabilities + 1e-10)
    for _ in range(10):
        weights = own + np.sum(np.einsum("BY,BZ->BYZ", one_hot, q), axis=0)
        logits = log_s + np.matmul(one_hot, scipy.special.digamma(weights)) - np.reshape(
            scipy.special.digamma(np.sum(weights, axis=0)), [1, -1])
        log_q = logits - scipy.special.logsumexp(logits, axis=-1, keepdims=True)
        q = np.exp(log_q)
    log_own = scipy.special.loggamma(np.sum(own)) - np.sum(scipy.special.loggamma(own))
    log_all = scipy.special.loggamma(np.sum(weights, axis=0)) - np.sum(scipy.special.loggamma(weights), axis=0)
    return -np.sum(log_own - log_all - np.sum(q * (log_q - log_s), axis=0)) / one_hot.size


# PARC, H-score, kNN: dbolya/parc


def _reduce(features, dims):
    """methods.py, feature_reduce: randomised PCA with a fixed seed."""
    if dims is None:
        return features
    return sklearn.decomposition.PCA(
        n_components=min(dims, features.shape[0]), svd_solver="randomized", random_state=1919, iterated_power=1
    ).fit_transform(features)


def parc(features, labels, dims=None, exact_ties=False):
    """methods.py, PARC: 100 x Spearman correlation of pairwise (1 - Pearson) distances of features and of one-hot labels.

    The label distances would be two tied values, but rounding breaks the ties; `exact_ties` restores them (not published).
    """
    features = _reduce(features, dims)
    one_hot = np.eye(int(labels.max()) + 1)[labels]
    features = sklearn.preprocessing.StandardScaler().fit_transform(features)
    feature_distance = 1 - np.corrcoef(features)
    label_distance = (labels[:, None] != labels).astype(float) if exact_ties else 1 - np.corrcoef(one_hot)
    upper = np.triu_indices(len(labels), 1)
    return scipy.stats.spearmanr(feature_distance[upper], label_distance[np.triu_indices(len(labels), 1)])[0] * 100


def hscore(features, labels):
    """methods.py, HScore.get_hscore_fast: trace of pinv(cov(f)) cov(E[f | y]) of standardised features."""
    features = sklearn.preprocessing.StandardScaler().fit_transform(features)

    def covariance(x):
        centred = x - np.mean(x, axis=0, keepdims=True)
        return np.divide(np.dot(centred.T, centred), len(x) - 1)

    feature_covariance = covariance(features)
    one_hot = np.eye(int(labels.max()) + 1)[labels, :]
    means = (one_hot.T @ features) / (one_hot.sum(axis=0)[:, None] + 1e-8)
    mean_covariance = covariance(one_hot @ means)
    return np.trace(np.linalg.pinv(feature_covariance, rcond=1e-15) @ mean_covariance)


def knn(features, labels):
    """methods.py, kNN with k = 1, l2: leave-one-out accuracy in percent."""
    distance = sklearn.metrics.pairwise_distances(features, metric="l2")
    votes = labels[np.argsort(distance, axis=-1)[:, 1:2]]
    rows = len(labels)
    winners, counts = (part.reshape(rows, -1) for part in scipy.stats.mode(votes, axis=1))
    winners = np.where(counts == 1, votes.reshape(rows, -1), winners)
    return 100 * (winners == labels.reshape(rows, -1)).mean()


# ETran's parts: mgholamikn/ETran


def etran_energy(features):
    """metrics.py, Energy_Score(features, 0.5, 'bot'): mean energy of the lowest half percent of rows; NaN below N = 200."""
    energy = torch.logsumexp(torch.from_numpy(features), dim=-1).numpy()
    lowest = list(np.argsort(energy)[: int(0.5 * 10) * len(energy) // 1000])
    return energy[lowest].mean()


def etran_lda(features, labels):
    """metrics.py, LDA_Score: SFDA's first discriminant with eigh() of a matrix that is not symmetric, so without whitening."""
    probability, _ = _discriminant(
        features, labels, directions=lambda between, within: np.linalg.eigh(np.linalg.inv(within) @ between)
    )
    return np.sum(probability[np.arange(len(labels)), labels]) / len(labels)


def compile_numba():
    """Compiles what numba compiles, so that no timing holds it."""
    _thin_svd_by_gram(np.random.default_rng(0).standard_normal((20, 10)))
