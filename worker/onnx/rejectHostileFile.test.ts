import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import { HOME } from '../../server/platform/install.ts';
import { tinyTree } from '../../server/testing/tinyRepository.ts';
import { rejectHostileFile } from './rejectHostileFile.ts';

const fields = (
  ...parts: readonly (readonly [field: number, content: Uint8Array | string | number])[]
): Uint8Array => {
  const writer = new BinaryWriter();
  for (const [field, content] of parts) {
    if (typeof content === 'number') writer.tag(field, WireType.Varint).int64(content);
    else if (typeof content === 'string') writer.tag(field, WireType.LengthDelimited).string(content);
    else writer.tag(field, WireType.LengthDelimited).bytes(content);
  }
  return writer.finish();
};

const modelOf = (graph: Uint8Array): Uint8Array => fields([1, 8], [7, graph]);
const external = fields([1, 4], [2, 1], [8, 'w'], [13, fields([1, 'location'], [2, '/etc/passwd'])], [14, 1]);
const inAttribute = (content: readonly [number, Uint8Array]): Uint8Array =>
  fields([1, fields([4, 'Constant'], [5, fields([1, 'value'], content)])]);

describe('a model file', () => {
  it('that is harmless is accepted, also a large one', () => {
    rejectHostileFile(tinyTree(1));
    rejectHostileFile(readFileSync(join(HOME, 'models/adult/1/model.onnx')));
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['a tensor in another file', modelOf(fields([5, external])), /lies in another file/],
    ['one that only says where', modelOf(fields([5, fields([14, 1])])), /lies in another file/],
    ['one in an attribute', modelOf(inAttribute([5, external])), /lies in another file/],
    ['one in a list of tensors', modelOf(inAttribute([10, external])), /lies in another file/],
    ['one in a subgraph', modelOf(inAttribute([6, fields([5, external])])), /lies in another file/],
    [
      'one in a function',
      fields([25, fields([7, fields([5, fields([5, external])])])]),
      /lies in another file/,
    ],
    ['a loop', modelOf(fields([1, fields([4, 'Loop'])])), /has a Loop/],
    ['a loop in a branch', modelOf(inAttribute([11, fields([1, fields([4, 'Loop'])])])), /has a Loop/],
    ['sparse constants', modelOf(fields([15, new Uint8Array()])), /sparse/],
    ['training', fields([20, new Uint8Array()]), /training/],
    ['an end that is missing', modelOf(fields([5, external])).subarray(0, -2), /damaged/],
    ['a length beyond the end', Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), /damaged/],
    ['a number without an end', new Uint8Array(100).fill(0xff), /damaged/],
    // The tag of external_data, 13 << 3 | 2, in more bytes than it needs.
    ['a long tag', modelOf(fields([5, Uint8Array.of(0xea, 0x80, 0x80, 0x80, 0, 0)])), /lies in another file/],
    // With a bit behind the 32nd, which a C++ reader drops: it sees external_data.
    ['a tag that overflows', modelOf(fields([5, Uint8Array.of(0xea, 0x80, 0x80, 0x80, 0x10, 0)])), /damaged/],
  ])('with %s is refused in one line', (_, bytes, reason) => {
    expect(() => rejectHostileFile(bytes)).toThrow(reason);
  });

  it('whose graphs are nested very deeply is refused before the stack overflows', () => {
    let graph = fields([2, 'innermost']);
    for (let depth = 0; depth < 1000; depth++) graph = inAttribute([6, graph]);
    expect(() => rejectHostileFile(modelOf(graph))).toThrow(/nested too deeply/);
  });
});
