"""From a fitted model to a folder of the model repository. See scripts/export.py."""
