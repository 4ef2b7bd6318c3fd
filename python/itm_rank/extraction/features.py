"""Pooled features of a module: what its head reads, and what layers named by the user give."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from typing import Any

from ._extras import need


def pooled(output: Any) -> Any:
    """[B, D] of a layer's output: the mean over places of [B, D, H, W] or [B, H, W, D], over tokens of [B, T, D]."""
    if isinstance(output, (tuple, list)):
        output = output[0]
    if output.ndim == 4:
        # Inputs are square, so the two equal sides tell where the channels are.
        last = output.shape[1] == output.shape[2] != output.shape[3]
        return output.mean((1, 2)) if last else output.mean((2, 3))
    if output.ndim == 3:
        return output.mean(1)
    return output.flatten(1)


def tensor_of(result: Any) -> Any:
    """The tensor that a model stands for; of what Hugging Face's models return: logits, else a pooled or last state."""
    for key in ("logits", "pooler_output", "last_hidden_state"):
        value = getattr(result, key, None)
        if value is not None:
            return value
    return result[0] if isinstance(result, (tuple, list)) else result


class FeatureReader:
    """Runs a module and reads, in the same pass, its penultimate features, its logits and the outputs of named layers.

    The head is the linear layer whose output is what the module returns; features are what it reads. A module without
    one gives features only: timm's own pooled features where it is a timm model, else its pooled output.
    """

    def __init__(self, module: Any, example: Any, layers: Sequence[str] = ()) -> None:
        torch = need("torch")
        self.module = module
        self.head = self._find_head(torch, example)
        self.layers = [
            name
            for name, _ in module.named_modules()
            if name and any(fnmatch.fnmatchcase(name, pattern) for pattern in layers)
        ]
        self._kept: dict[str, Any] = {}
        modules = dict(module.named_modules())
        self._hooks = [modules[name].register_forward_hook(self._keeper(name)) for name in self.layers]
        if self.head is not None:
            self._hooks.append(self.head.register_forward_hook(self._keep_input))

    def _find_head(self, torch: Any, example: Any) -> Any:
        """One pass that asks every linear layer for its output."""
        outputs: list[tuple[Any, Any]] = []
        hooks = [
            layer.register_forward_hook(lambda layer, inputs, output: outputs.append((layer, output)))
            for layer in self.module.modules()
            if isinstance(layer, torch.nn.Linear)
        ]
        try:
            with torch.no_grad():
                result = tensor_of(self.module(example))
        finally:
            for hook in hooks:
                hook.remove()
        return next((layer for layer, output in reversed(outputs) if output is result), None)

    def _keeper(self, name: str) -> Any:
        def keep(layer: Any, inputs: Any, output: Any) -> None:
            self._kept[name] = pooled(tensor_of(output))

        return keep

    def _keep_input(self, layer: Any, inputs: Any, output: Any) -> None:
        self._kept[""] = pooled(inputs[0])

    def __call__(self, batch: Any) -> tuple[Any, Any, dict[str, Any]]:
        """[B, 3, H, W] -> features [B, D], logits [B, C_source] or None, and layer -> [B, D_layer]."""
        self._kept = {}
        if self.head is None and hasattr(self.module, "forward_head"):
            features = self.module.forward_head(self.module.forward_features(batch), pre_logits=True)
            features, logits = pooled(tensor_of(features)), None
        else:
            result = tensor_of(self.module(batch))
            features, logits = (pooled(result), None) if self.head is None else (self._kept.pop(""), result)
        kept, self._kept = self._kept, {}
        return features, logits, kept

    def close(self) -> None:
        """Leaves the module as it was."""
        for hook in self._hooks:
            hook.remove()
