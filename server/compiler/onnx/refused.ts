/** An ONNX file that we can't or won't read. The message is one line that says what is wrong, without its content. */
export class OnnxRefused extends Error {
  override readonly name = 'OnnxRefused';
}
