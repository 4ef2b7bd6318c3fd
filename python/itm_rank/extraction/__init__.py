"""From models and images to a zoo: ``extract`` and the command ``itm-extract``."""

from .run import Extraction, extract

__all__ = ["Extraction", "extract"]
