"""Electronic archive (电子档案) for Chinese insurance records."""

__version__ = "0.1.0"
