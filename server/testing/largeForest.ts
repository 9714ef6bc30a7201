import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { createRandom } from '../../scripts/cli/createRandom.ts';
import { ML } from './buildModel.ts';

export interface LargeForest {
  readonly trees: number;
  /** Of each tree, which is complete: it has 2 ** (depth + 1) - 1 nodes. */
  readonly depth: number;
  readonly features: number;
}

/** A protobuf field number with its wire type, in one byte. */
const tagOf = (field: number, wire: WireType): number => (field << 3) | wire;

/** Bytes of an AttributeProto, written without an object for each element: there are millions. */
function attribute(name: string, type: number, most: number, fill: (bytes: Buffer) => number): Uint8Array {
  const head = new BinaryWriter().tag(1, WireType.LengthDelimited).string(name).finish();
  const kind = new BinaryWriter().tag(20, WireType.Varint).int32(type).finish();
  const content = Buffer.allocUnsafe(most);
  return Buffer.concat([head, content.subarray(0, fill(content)), kind]);
}

const ints = (name: string, count: number, valueOf: (at: number) => number): Uint8Array =>
  attribute(name, 7, 6 * count, (bytes) => {
    let end = 0;
    for (let at = 0; at < count; at++) {
      bytes[end++] = tagOf(8, WireType.Varint);
      let value = valueOf(at);
      for (; value > 0x7f; value >>>= 7) bytes[end++] = (value & 0x7f) | 0x80;
      bytes[end++] = value;
    }
    return end;
  });

const floats = (name: string, count: number, valueOf: (at: number) => number): Uint8Array =>
  attribute(name, 6, 5 * count, (bytes) => {
    let end = 0;
    for (let at = 0; at < count; at++) {
      bytes[end++] = tagOf(7, WireType.Bit32);
      end = bytes.writeFloatLE(valueOf(at), end);
    }
    return end;
  });

const strings = (name: string, count: number, valueOf: (at: number) => string): Uint8Array =>
  attribute(name, 8, 16 * count, (bytes) => {
    let end = 0;
    for (let at = 0; at < count; at++) {
      const value = valueOf(at);
      bytes[end++] = tagOf(9, WireType.LengthDelimited);
      bytes[end++] = value.length;
      end += bytes.write(value, end, 'latin1');
    }
    return end;
  });

/** A regression of complete trees with random thresholds, as an ONNX file: some 38 bytes a node. The same each time. */
export function largeForest({ trees, depth, features }: LargeForest): Uint8Array {
  const perTree = 2 ** (depth + 1) - 1;
  const firstLeaf = 2 ** depth - 1;
  const nodes = trees * perTree;
  const leaves = trees * (perTree - firstLeaf);
  const random = createRandom(7);
  const idOf = (at: number): number => at % perTree;
  const isLeaf = (at: number): boolean => idOf(at) >= firstLeaf;
  const leafTree = (leaf: number): number => Math.floor(leaf / (perTree - firstLeaf));
  const child = (side: number) => (at: number) => (isLeaf(at) ? 0 : 2 * idOf(at) + side);
  const attributes = [
    attribute('n_targets', 2, 2, (bytes) => bytes.writeUInt16BE((tagOf(3, WireType.Varint) << 8) | 1)),
    ints('nodes_treeids', nodes, (at) => Math.floor(at / perTree)),
    ints('nodes_nodeids', nodes, idOf),
    ints('nodes_featureids', nodes, (at) => (isLeaf(at) ? 0 : Math.floor(random() * features))),
    strings('nodes_modes', nodes, (at) => (isLeaf(at) ? 'LEAF' : 'BRANCH_LEQ')),
    floats('nodes_values', nodes, (at) => (isLeaf(at) ? 0 : random())),
    ints('nodes_truenodeids', nodes, child(1)),
    ints('nodes_falsenodeids', nodes, child(2)),
    ints('target_treeids', leaves, leafTree),
    ints('target_nodeids', leaves, (leaf) => firstLeaf + (leaf % (perTree - firstLeaf))),
    ints('target_ids', leaves, () => 0),
    floats('target_weights', leaves, () => random() / trees),
  ];
  const writer = new BinaryWriter();
  const text = (field: number, value: string): void =>
    void writer.tag(field, WireType.LengthDelimited).string(value);
  const message = (field: number, write: () => void): void => {
    writer.tag(field, WireType.LengthDelimited).fork();
    write();
    writer.join();
  };
  /** A ValueInfoProto: float [n, width]. */
  const value = (field: number, name: string, width: number): void =>
    message(field, () => {
      text(1, name);
      message(2, () =>
        message(1, () => {
          writer.tag(1, WireType.Varint).int32(1);
          message(2, () => {
            message(1, () => text(2, 'n'));
            message(1, () => writer.tag(1, WireType.Varint).int64(width));
          });
        }),
      );
    });
  writer.tag(1, WireType.Varint).int64(8);
  message(7, () => {
    message(1, () => {
      text(1, 'x');
      text(2, 'y');
      text(4, 'TreeEnsembleRegressor');
      for (const bytes of attributes) writer.tag(5, WireType.LengthDelimited).bytes(bytes);
      text(7, ML);
    });
    text(2, 'large');
    value(11, 'x', features);
    value(12, 'y', 1);
  });
  message(8, () => {
    text(1, ML);
    writer.tag(2, WireType.Varint).int64(3);
  });
  message(8, () => writer.tag(2, WireType.Varint).int64(18));
  return writer.finish();
}
