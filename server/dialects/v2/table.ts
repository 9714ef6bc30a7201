import { Problem } from '../../errors/problem.ts';
import { cutName } from '../../encoding/columns.ts';
import type { Input } from '../../model/signature.ts';
import { createCellFaults } from '../forms/cellFaults.ts';
import type { Table } from '../../model/rows.ts';
import { invalidBody } from '../forms/json.ts';
import { datatypesOf } from './datatypes.ts';
import type { Tensor } from './tensor.ts';

/** Whether a tensor holds whole rows. One that could be a single column doesn't. */
const isMatrix = (tensor: Tensor, inputs: readonly Input[]): boolean =>
  tensor.shape[1] === inputs.length && mayBeMatrix(tensor, inputs);

const mayBeMatrix = ({ name, shape }: Tensor, inputs: readonly Input[]): boolean =>
  inputs.length > 1 && (shape[1] ?? 1) !== 1 && inputs.every((input) => input.name !== name);

function checkDatatype({ datatype }: Tensor, index: number, { name, type }: Input): void {
  if (datatype.columns.includes(type)) return;
  throw new Problem('invalid_columns', {
    refusals: [{ reason: 'type', column: name, count: 1 }],
    detail: `Input ${index} is ${datatype.name}; column ${JSON.stringify(name)} takes ${datatypesOf(type).join(', ')}.`,
  });
}

/** The error for a tensor of several columns that is not one column, nor whole rows. */
function invalidWidth(tensor: Tensor, index: number, inputs: readonly Input[], tensors: number): Problem {
  const called = `Input ${index}, ${JSON.stringify(cutName(tensor.name))},`;
  return invalidBody(
    tensors === 1 && mayBeMatrix(tensor, inputs)
      ? `${called} has ${tensor.shape[1]} columns where the model has ${inputs.length}: it must have the shape [rows, ${inputs.length}], or be one tensor a column.`
      : `${called} must have the shape [rows] or [rows, 1].`,
  );
}

/**
 * Converts the tensors of a request to rows: one tensor a column, of shape [rows] or [rows, 1], or one of shape
 * [rows, columns], in the signature's order, if its datatype fits all columns.
 *
 * @throws {Problem} invalid_body, invalid_columns, or invalid_rows for elements that don't fit their datatype
 */
export function toTable(tensors: readonly Tensor[], inputs: readonly Input[]): Table {
  const [first] = tensors;
  if (!first) return { columns: [], data: [] };
  const matrix = tensors.length === 1 && isMatrix(first, inputs);
  const rows = first.shape[0];
  if (matrix) for (const input of inputs) checkDatatype(first, 0, input);
  else {
    const byName = new Map(inputs.map((input) => [input.name, input]));
    tensors.forEach((tensor, index) => {
      const { shape, name } = tensor;
      if ((shape[1] ?? 1) !== 1) throw invalidWidth(tensor, index, inputs, tensors.length);
      if (shape[0] !== rows) {
        throw invalidBody(`Input ${index} has ${shape[0]} rows where input 0 has ${rows}.`);
      }
      const input = byName.get(name);
      if (input) checkDatatype(tensor, index, input);
    });
  }

  const known = new Set(inputs.map(({ name }) => name));
  const columns = matrix ? inputs.map(({ name }) => name) : tensors.map(({ name }) => name);
  const faults = createCellFaults();
  const data: unknown[][] = [];
  for (let row = 0; row < rows; row++) {
    data.push(
      columns.map((column, at) => {
        const { values, datatype } = matrix ? first : (tensors[at] as Tensor);
        const value = values[matrix ? row * columns.length + at : row];
        const fault = datatype.fault(value);
        if (fault !== undefined) faults.add(row, column, known.has(column), fault);
        return datatype.convert ? datatype.convert(value) : value;
      }),
    );
  }
  faults.check();
  return { columns, data };
}
