import type { Cell, CellRemark, ModelDetails } from './api.ts';
import { exampleCell } from './example.ts';
import type { Note } from './fields.ts';
import { createField } from './fields.ts';

/** The form of one model: a field for each column of its signature. */
export interface Form {
  readonly columns: readonly string[];
  readonly elements: readonly HTMLElement[];
  /** The row in the order of the columns. Undefined if a field holds no cell; each such field gets a remark. */
  read(): readonly Cell[] | undefined;
  /**
   * Shows remarks at the fields of their columns.
   *
   * @returns the remarks that belong to no field
   */
  show(kind: Note['kind'], remarks: readonly CellRemark[]): readonly CellRemark[];
  focusFirstError(): void;
}

export function createForm({ inputs }: ModelDetails): Form {
  const fields = new Map(inputs.map((input) => [input.name, createField(input, exampleCell(input))]));
  const all = [...fields.values()];
  return {
    columns: inputs.map(({ name }) => name),
    elements: all.map(({ element }) => element),
    read: () => {
      const row: Cell[] = [];
      for (const field of all) {
        const reading = field.read();
        field.note('fault' in reading ? { kind: 'error', message: reading.fault } : undefined);
        if ('cell' in reading) row.push(reading.cell);
      }
      return row.length === all.length ? row : undefined;
    },
    show: (kind, remarks) =>
      remarks.filter(({ column, message }) => {
        const field = column === undefined ? undefined : fields.get(column);
        field?.note({ kind, message });
        return !field;
      }),
    focusFirstError: () => all.find(({ element }) => element.dataset['note'] === 'error')?.focus(),
  };
}
