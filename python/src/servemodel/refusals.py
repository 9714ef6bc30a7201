"""Why a model has no ONNX form, and what to do instead."""

from __future__ import annotations

import re
from types import TracebackType
from typing import Any

from skl2onnx._supported_operators import sklearn_operator_name_map

from servemodel.errors import ExportError

OWN_WAYS = (
    "put a step of the library in its place or compute the column before the request, or give it an ONNX form yourself: "
    "skl2onnx.update_registered_converter before servemodel.export, or skl2onnx.to_onnx and then import that file"
)
LIBRARY_WAYS = "put another step in its place, or give it an ONNX form yourself with skl2onnx.update_registered_converter before servemodel.export"

ADVICE = {
    "TargetEncoder": "it is converted for two classes and for regressions, not for more classes: OneHotEncoder takes its place",
    "QuantileTransformer": "fit it with output_distribution='uniform', or take PowerTransformer",
    "RandomTreesEmbedding": "fit it with sparse_output=False",
    "GaussianProcessClassifier": "it is converted for two classes that are numbered 0 and 1",
    "RadiusNeighborsRegressor": "KNeighborsRegressor takes its place",
    "RadiusNeighborsClassifier": "KNeighborsClassifier takes its place",
    "RFE": "export the pipeline of it and a model",
    "RFECV": "export the pipeline of it and a model",
    "HashingVectorizer": "TfidfVectorizer or CountVectorizer takes its place",
    "NMF": "TruncatedSVD takes its place",
    "MiniBatchNMF": "TruncatedSVD takes its place",
    "LatentDirichletAllocation": "TruncatedSVD takes its place",
    "LabelPropagation": "SelfTrainingClassifier takes its place",
    "LabelSpreading": "SelfTrainingClassifier takes its place",
}
OF_LIBRARIES = ("sklearn.", "lightgbm.", "xgboost.", "catboost.", "imblearn.")


def refuse_own(step: Any) -> None:
    """Raises ExportError for a step that is code of one's own, unless it was given an ONNX form."""
    kind = type(step)
    if not kind.__module__.startswith((*OF_LIBRARIES, "servemodel.")) and kind not in sklearn_operator_name_map:
        raise ExportError(f"{kind.__name__} is code of one's own, which has no ONNX form: {OWN_WAYS}")


def _converted(traceback: TracebackType | None) -> Any:
    """The estimator that was being converted when an error was raised, innermost first."""
    found = None
    while traceback is not None:
        operator = traceback.tb_frame.f_locals.get("operator")
        found = getattr(operator, "raw_operator", None) or found
        traceback = traceback.tb_next
    return found


def no_form(error: BaseException, last: Any) -> str:
    """The sentence for an error of a converter; last: the model's last step, for errors that show no other."""
    reason = " ".join(str(error).split())
    own = re.search(r"Unable to find a? ?(?:shape calculator|converter|parser).*?'<class '([\w.<>]+)'>'", reason)
    if own is not None:
        path = own[1]
    else:
        kind = type(_converted(error.__traceback__) or last)
        path = f"{kind.__module__}.{kind.__name__}"
    name = path.rsplit(".", 1)[-1]
    if not path.startswith(OF_LIBRARIES):
        return f"{name} is code of one's own, which has no ONNX form: {OWN_WAYS}"
    what = "has no ONNX form" if own is not None else "has no ONNX form as it was fitted here"
    return f"{name} {what}: {ADVICE.get(name, LIBRARY_WAYS)}"
