import type { Input, Signature } from '../model/signature.ts';

/** A column of the signature that MLflow wrote. */
interface MlflowColumn {
  readonly name: string;
  readonly type: string;
}

const QUOTED = /^ {2}inputs: (?<text>(?:'(?:[^']|'')*'|"(?:[^"\\]|\\[^])*"))/m;

/** A quoted text of YAML, as MLflow's writer folds it over lines. */
function unfold(quoted: string): string {
  const inner = quoted.slice(1, -1);
  return quoted.startsWith("'")
    ? inner.replace(/\n *(?=\S)/g, ' ').replaceAll("''", "'")
    : inner
        .replace(/\\\n */g, '')
        .replace(/\n *(?=\S)/g, ' ')
        .replace(
          /\\(?:u([\da-f]{4})|x([\da-f]{2})|([^]))/gi,
          (_, four?: string, two?: string, one?: string) =>
            one === undefined ? String.fromCharCode(parseInt((four ?? two) as string, 16)) : one,
        );
}

/** The columns of the signature in a file MLmodel; none where it has no signature, or that of a tensor. */
function columnsOf(mlmodel: string): MlflowColumn[] {
  const block = /^signature:\n(?<block>(?:[ \t].*\n?|\n)*)/m.exec(mlmodel)?.groups?.['block'] ?? '';
  const quoted = QUOTED.exec(block)?.groups?.['text'];
  if (quoted === undefined) return [];
  let columns: unknown;
  try {
    columns = JSON.parse(unfold(quoted));
  } catch {
    return [];
  }
  const isColumn = (one: unknown): one is MlflowColumn =>
    typeof (one as Partial<MlflowColumn> | null)?.name === 'string' &&
    typeof (one as Partial<MlflowColumn>).type === 'string';
  return Array.isArray(columns) && columns.every(isColumn) ? columns : [];
}

/**
 * Gives the columns that an ONNX file implies the names of MLflow's signature: by name, else by position.
 *
 * @param mlmodel the text of the file MLmodel beside the ONNX file
 */
export function withMlflowColumns<S extends Pick<Signature, 'inputs'>>(signature: S, mlmodel: string): S {
  const columns = columnsOf(mlmodel);
  const { inputs } = signature;
  const names = new Map(columns.map(({ name, type }) => [name, type]));
  if (columns.length !== inputs.length || names.size !== columns.length) return signature;
  const typed = (input: Input, name: string): Input => {
    const whole = input.type === 'number' && /^(?:long|integer)$/.test(names.get(name) ?? '');
    return { ...input, name, type: whole ? 'integer' : input.type };
  };
  const byName = inputs.every(({ name }) => names.has(name));
  return {
    ...signature,
    inputs: inputs.map((input, at) => typed(input, byName ? input.name : (columns[at] as MlflowColumn).name)),
  };
}
