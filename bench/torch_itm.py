"""ITM for one model, written straightforwardly in PyTorch: the peer of bench/itm_vs_torch.py.

usage: torch_itm.py FEATURE.npy LABEL.npy THREADS

Follows the specification step by step (standardise, dispersion, split, batches, eq. 7 with the B x B recurrence matrix,
cross-entropy, AdamW, five validations with accuracy and loss) with the library's own operators; prints its seconds by phase as JSON.
"""

import time

started = time.perf_counter()

import json
import sys

import numpy as np
import torch
import torch.nn.functional as F

imported = time.perf_counter()

BATCH, ITERATIONS, VALIDATE_EVERY, ETA = 256, 500, 100, 0.5
torch.set_num_threads(int(sys.argv[3]))
torch.manual_seed(0)

features = torch.from_numpy(np.load(sys.argv[1]))
labels = torch.from_numpy(np.load(sys.argv[2])).long()
rows, dims = features.shape
classes = int(labels.max()) + 1
if not torch.isfinite(features).all():
    sys.exit("the features hold a NaN or an infinity")

x = (features - features.mean(0)) / features.std(0).clamp_min(1e-6)
class_mean = torch.zeros(classes, dims).index_add_(0, labels, x) / torch.bincount(labels, minlength=classes)[:, None]
dispersion = (x - class_mean[labels]).norm(dim=1).mean().item()  # the only model: eta stays at its anchor

order = torch.randperm(rows)
train, validation = order[: rows - rows // 5], order[rows - rows // 5 :]
epochs = ITERATIONS * BATCH // len(train) + 1
stream = torch.cat([train[torch.randperm(len(train))] for _ in range(epochs)])
prepared = time.perf_counter()

psi = torch.nn.Linear(dims, classes)
head = torch.nn.Linear(classes, classes)
centres = torch.eye(classes)
optimiser = torch.optim.AdamW([*psi.parameters(), *head.parameters()], lr=5e-3, weight_decay=1e-2)
schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda t: 1 - t / 10000)


def evolve(batch_x, batch_y):
    theta = F.normalize(psi(batch_x), dim=1)
    with torch.no_grad():
        recurrence = ETA / len(batch_x) * theta @ theta.T
    residual = theta - centres[batch_y]
    return residual - recurrence @ residual + centres[batch_y]


curve = []
for iteration in range(ITERATIONS):
    index = stream[iteration * BATCH : (iteration + 1) * BATCH]
    y = labels[index]
    loss = F.cross_entropy(head(evolve(x[index], y)), y)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    schedule.step()
    if (iteration + 1) % VALIDATE_EVERY == 0:
        with torch.no_grad():
            correct = total = 0.0
            for part in validation.split(BATCH):
                logits = head(evolve(x[part], labels[part]))
                correct += (logits.argmax(1) == labels[part]).sum().item()
                total += F.cross_entropy(logits, labels[part], reduction="sum").item()
        curve.append((correct / len(validation), total / len(validation)))
finished = time.perf_counter()

print(
    json.dumps(
        {
            "import": imported - started,
            "prepare": prepared - imported,
            "train": finished - prepared,
            "accuracy": max(curve)[0],
            "dispersion": dispersion,
        }
    )
)
