import { answerWidth } from '../../../worker/protocol.ts';
import { createSeveralText } from '../../dialects/forms/severalText.ts';
import { createColumnFinder } from '../../encoding/columns.ts';
import { perModel } from '../../model/perModel.ts';
import { rowOf } from '../../model/rows.ts';
import type { Model } from '../../model/model.ts';
import type { Answered } from '../../prediction/onAnswered.ts';
import { createCanonical, sha256Of } from './canonical.ts';
import type { InputForm } from '../../settings/logTarget.ts';

/** Writes the records of answered rows as JSON, one a call: see record.ts. */
export interface ObservedRecords {
  readonly rows: number;
  /** The record of the next row. */
  next(): string;
}

/** A number in full precision: reading the text gives the same one. */
const numberText = (value: number): string => (Number.isFinite(value) ? String(value) : 'null');

/** Prepares the text of a row's answer. */
function createOutput({ output }: Model): (answers: Float64Array, at: number) => string {
  if (output.task === 'regression') return (answers, at) => `{"value":${numberText(answers[at] as number)}}`;
  if (output.task === 'several') {
    const { values, width } = createSeveralText(output);
    const keys = output.values.map(({ name }) => `${JSON.stringify(name)}:`);
    return (answers, at) => {
      const members = values.map((write, k) => `${keys[k] as string}${write(answers, at)}`).join();
      if (!output.scores) return `{"values":{${members}}}`;
      const scores = Array.from(answers.subarray(at + keys.length, at + width), numberText).join();
      return `{"values":{${members}},"scores":[${scores}]}`;
    };
  }
  const labels = output.classes.map((name) => JSON.stringify(name));
  const keys = output.classes.map((name) => `${JSON.stringify(String(name))}:`);
  return (answers, at) => {
    let probabilities = '';
    for (let k = 0; k < keys.length; k++)
      probabilities += `${k === 0 ? '' : ','}${keys[k] as string}${numberText(answers[at + 1 + k] as number)}`;
    return `{"label":${labels[answers[at] as number] as string},"probabilities":{${probabilities}}}`;
  };
}

/** Prepares the text of the members `input` and `inputSha256`, given a row's cells. */
function createInput(names: readonly string[], form: InputForm): (cellAt: (at: number) => unknown) => string {
  if (form === 'none') return () => '';
  const canonical = createCanonical(names);
  return (cellAt) => {
    const text = canonical(cellAt);
    const digest = `"inputSha256":"${sha256Of(text)}",`;
    return form === 'full' ? `"input":${text},${digest}` : digest;
  };
}

/** Turns answered rows into records. */
export function createRecordWriter(form: InputForm): (observation: Answered, ms: number) => ObservedRecords {
  const prepare = perModel((model) => {
    const { inputs, sha256 = '' } = model.signature;
    const names = inputs.map(({ name }) => name);
    return {
      names,
      find: createColumnFinder(inputs),
      input: createInput(names, form),
      output: createOutput(model),
      width: answerWidth(model.output),
      facts: `"model":${JSON.stringify(model.id)},"sha256":"${sha256}",`,
    };
  });
  return ({ id, model, table, rows, answers }, ms) => {
    const { names, find, input, output, width, facts } = prepare(model);
    const { columns, byName = false, before = 0 } = table;
    const positions = byName ? [] : find(columns, true);
    const refused = rows.refused?.rows ?? [];
    const begin = `{"requestId":${JSON.stringify(id)},"row":`;
    const facing = `,"time":"${new Date(ms).toISOString()}",${facts}`;
    let [row, answered, skipped] = [0, 0, 0];
    return {
      rows: rows.rows,
      next: () => {
        for (; refused[skipped] === row; row++) skipped++;
        const cells = rowOf(table, row);
        const cellAt = byName
          ? (at: number) => (cells as Readonly<Record<string, unknown>>)[names[at] as string]
          : (at: number) => (cells as readonly unknown[])[positions[at] as number];
        const answer = output(answers, answered++ * width);
        return `${begin}${before + row++}${facing}${input(cellAt)}"output":${answer}}`;
      },
    };
  };
}
