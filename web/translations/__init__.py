"""The translations, and how they keep up with the code: ``python -m web.translations``."""
