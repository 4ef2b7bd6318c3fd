"""One score in the manner of scikit-learn: ``LogME().fit(features, labels).score_``.

A class for every method; ``rank`` is the way to compare models, and the only one for methods whose scores depend on
the company (ITM, ETran: a model fitted alone is compared with itself).
"""

from __future__ import annotations

from typing import Any, ClassVar

from ._methods import methods
from ._ranking import rank


class Estimator:
    """A method with its settings; ``fit`` scores one model.

    Parameters are the settings of ``itm rank`` with underscores, without the method's name in front of its own:
    ``KNN(k=5)``,
    ``ITM(iterations=200, seed=1)``. Wrong names and values raise ValueError when they are used.

    After ``fit``: ``score_`` (larger is better), ``error_`` (its standard error, or None), ``details_`` (what the
    method tells besides), ``remarks_`` (what is odd about the data), ``seconds_``, ``n_features_in_``.

    >>> from itm_rank.made import made_models
    >>> models, labels = made_models()
    >>> LogME().fit(models["good"], labels).score_ > LogME().fit(models["poor"], labels).score_
    True
    """

    method: ClassVar[str] = ""
    """Its name in ``rank``."""

    def __init__(self, **settings: Any) -> None:
        self._settings = dict(settings)

    def fit(self, X: Any, y: Any = None, *, targets: Any = None, output: Any = None, source: Any = None) -> Estimator:
        """Scores features ``X`` [N, D] against labels ``y`` [N] or regression ``targets`` [N] or [N, T].

        ``output`` [N, C_source] are logits of the source head, ``source`` [S, D] features of source images, for
        methods that read them. Returns itself. Raises as ``rank``.
        """
        own = {setting["name"].replace("-", "_") for setting in methods()[self.method].settings}
        given = {f"{self.method}_{key}" if key in own else key: value for key, value in self._settings.items()}
        needs = methods()[self.method]
        for kind, value, needed in (("output", output, needs.output), ("source", source, needs.source)):
            if needed and value is None:
                raise ValueError(f"{self.method}: reads {kind}, and fit() was given none; pass {kind}=")
        result = rank(
            {"X": X},
            y,
            targets=targets,
            methods=self.method,
            outputs=None if output is None else {"X": output},
            sources=None if source is None else {"X": source},
            **given,
        ).to_dict()["results"][0]
        model = result["models"][0]
        self.score_: float = model["score"]
        self.error_: float | None = model.get("error")
        self.details_: dict[str, Any] = model["details"]
        self.remarks_: list[str] = result.get("remarks", [])
        self.seconds_: float = model["seconds"]
        self.n_features_in_ = int(X.shape[1]) if len(getattr(X, "shape", ())) == 2 else 1
        return self

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings that were given."""
        return dict(self._settings)

    def set_params(self, **settings: Any) -> Estimator:
        """Changes settings; returns itself."""
        self._settings.update(settings)
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in self._settings.items())})"

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        known = methods().get(cls.method)
        if known is not None and cls.__doc__ is None:
            own = "".join(f"\n- {s['name'].replace('-', '_')}: {s['help']}" for s in known.settings)
            said = known.description[0].upper() + known.description[1:]
            cls.__doc__ = f"{said}. Source: {known.citation}." + (f"\n\nIts own settings:\n{own}" if own else "")


class ITM(Estimator):
    method = "itm"


class LogME(Estimator):
    method = "logme"


class LEEP(Estimator):
    method = "leep"


class NCE(Estimator):
    method = "nce"


class NLEEP(Estimator):
    method = "nleep"


class PARC(Estimator):
    method = "parc"


class SFDA(Estimator):
    method = "sfda"


class PED(Estimator):
    method = "ped"


class ETran(Estimator):
    method = "etran"


class NCTI(Estimator):
    method = "ncti"


class PACTran(Estimator):
    method = "pactran"


class PACTranDirichlet(Estimator):
    method = "pactran_dirichlet"


class GBC(Estimator):
    method = "gbc"


class LEAD(Estimator):
    method = "lead"


class HScore(Estimator):
    method = "hscore"


class TransRate(Estimator):
    method = "transrate"


class KNN(Estimator):
    method = "knn"


class LinearProbe(Estimator):
    method = "linear_probe"
