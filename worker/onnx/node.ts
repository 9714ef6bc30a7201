import type { Attribute } from './attribute.ts';
import { readAttribute } from './attribute.ts';
import * as field from './wireFields.ts';
import { readMessage } from './wireFields.ts';
import { OnnxRefused } from './onnxRefused.ts';

/** Inputs, outputs and attributes that a node has at most. */
const MAX_PARTS = 10_000;

/** One operator of a graph. */
export interface OnnxNode {
  readonly op: string;
  /** '' for the standard operators. */
  readonly domain: string;
  /** Names of tensors; '' for an optional input that isn't given. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  /** The NodeProto, undecoded. */
  readonly raw: Uint8Array;
}

/** The standard domain has two names. https://github.com/onnx/onnx/blob/main/docs/IR.md */
export const canonicalDomain = (domain: string): string => (domain === 'ai.onnx' ? '' : domain);

/** @throws {OnnxRefused} when it is damaged */
export function readNode(raw: Uint8Array): OnnxNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, Attribute>();
  let op = '';
  let domain = '';
  let parts = 0;
  const count = (): void => {
    if (++parts > MAX_PARTS) throw new OnnxRefused('a node has too many inputs, outputs or attributes');
  };
  readMessage(raw, 'a node', {
    1: field.text((name) => (count(), inputs.push(name))),
    2: field.text((name) => (count(), outputs.push(name))),
    4: field.text((value) => (op = value)),
    5: field.bytes((bytes) => {
      count();
      const attribute = readAttribute(bytes);
      if (attributes.has(attribute.name)) throw new OnnxRefused('a node has an attribute twice');
      attributes.set(attribute.name, attribute);
    }),
    7: field.text((value) => (domain = canonicalDomain(value))),
  });
  return { op, domain, inputs, outputs, attributes, raw };
}

/** Operators of this domain have no subgraphs, and their attributes are too large to be searched for them. */
const WITHOUT_SUBGRAPHS = 'ai.onnx.ml';

/** Whether a node holds a subgraph, which may use any tensor around it without naming it as an input. */
export const holdsGraph = ({ domain, attributes }: OnnxNode): boolean =>
  domain !== WITHOUT_SUBGRAPHS && [...attributes.values()].some((attribute) => attribute.holdsGraph());
