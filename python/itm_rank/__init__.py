"""Choose a pre-trained model from frozen features, without fine-tuning any of them.

>>> import itm_rank
>>> from itm_rank.made import made_models
>>> models, labels = made_models(rows=200, classes=4)
>>> itm_rank.rank(models, labels, methods=["itm", "logme"]).best
'good'

``rank`` takes arrays, ``rank_zoo`` a folder of files, ``rank_from`` a result to repeat; ``extract`` makes such a
folder from models and images.
``LogME`` and its kin score one model in the manner of scikit-learn, ``agreement`` sets scores against the truth,
``register`` adds a method.
"""

from ._agreement import Agreement, agreement
from ._methods import MethodInfo, methods, register
from ._progress import Progress
from ._ranking import Ranking, rank, rank_zoo
from ._repeat import rank_from
from ._version import __version__
from .estimators import (
    GBC,
    ITM,
    KNN,
    LEAD,
    LEEP,
    NCE,
    NCTI,
    NLEEP,
    PARC,
    PED,
    SFDA,
    Estimator,
    ETran,
    HScore,
    LinearProbe,
    LogME,
    PACTran,
    PACTranDirichlet,
    TransRate,
)
from .extraction import extract

__all__ = [
    "GBC",
    "ITM",
    "KNN",
    "LEAD",
    "LEEP",
    "NCE",
    "NCTI",
    "NLEEP",
    "PARC",
    "PED",
    "SFDA",
    "Agreement",
    "ETran",
    "Estimator",
    "HScore",
    "LinearProbe",
    "LogME",
    "MethodInfo",
    "PACTran",
    "PACTranDirichlet",
    "Progress",
    "Ranking",
    "TransRate",
    "__version__",
    "agreement",
    "extract",
    "methods",
    "rank",
    "rank_from",
    "rank_zoo",
    "register",
]
