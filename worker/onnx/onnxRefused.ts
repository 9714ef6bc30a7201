const MAX_NAME_LENGTH = 64;

/** An ONNX file that is refused. The message is one line that names the reason, without content of the file. */
export class OnnxRefused extends Error {
  override readonly name = 'OnnxRefused';
}

/** A name from a file, safe for a log line: cut, and without control characters. */
export function printable(name: string): string {
  const clean = name.replace(/[\p{C}\p{Z}]/gu, ' ');
  return clean.length > MAX_NAME_LENGTH ? `${clean.slice(0, MAX_NAME_LENGTH)}…` : clean;
}

/** Of a tensor whose elements aren't in the file. */
export const LIES_ELSEWHERE =
  'lies in another file: npm run import makes one file of the two, and that can be served';
