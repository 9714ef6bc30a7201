"""Naive Bayes with more exact sums.

Log probabilities of words are numbers like -6; in float32 the sum over a text loses the differences between classes.
Subtracting the same amount from a word's log probability in every class changes no answer and makes the summands small.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from onnx import numpy_helper
from sklearn.base import BaseEstimator
from sklearn.naive_bayes import MultinomialNB


def centre_log_probabilities(model: onnx.ModelProto, steps: Iterable[BaseEstimator]) -> None:
    """Shift the weights [V, k] of a multinomial naive Bayes so that those of each word have the mean 0."""
    for step in steps:
        if not isinstance(step, MultinomialNB):
            continue
        # In float64: the file's own weights are rounded already.
        centred = (step.feature_log_prob_ - step.feature_log_prob_.mean(axis=0)).T.astype(np.float32)
        for tensor in model.graph.initializer:
            if tensor.name == "feature_log_prob" and tuple(tensor.dims) == centred.shape:
                tensor.CopyFrom(numpy_helper.from_array(centred, tensor.name))
