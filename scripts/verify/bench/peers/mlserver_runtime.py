"""The default model's scikit-learn pipeline behind MLServer, whose own runtime for scikit-learn takes no table."""

import joblib
from mlserver import MLModel
from mlserver.codecs import PandasCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse
from mlserver.utils import get_model_uri


class PipelineRuntime(MLModel):
    """A tensor a column in, the labels out."""

    async def load(self) -> bool:
        """Read the pipeline."""
        self._pipeline = joblib.load(await get_model_uri(self._settings))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer the label of each row."""
        table = self.decode_request(payload, default_codec=PandasCodec)
        labels = self._pipeline.predict(table)
        output = StringCodec.encode_output("label", list(labels), use_bytes=False)
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=[output])
