"""From a fitted model to a folder of the model repository. See scripts/models/export.py."""
