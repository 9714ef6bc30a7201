/** A field of a protobuf message, ready to be put beside others. */
export type Field = Uint8Array;

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return bytes;
}

/** An integer, also a negative one, which takes ten bytes. */
export function integer(field: number, value: number): Field {
  return Uint8Array.from([...varint(BigInt(field * 8)), ...varint(BigInt(value))]);
}

/** A string, bytes or a message. */
export function bytes(field: number, value: string | Uint8Array | readonly Field[]): Field {
  const body =
    typeof value === 'string'
      ? Buffer.from(value)
      : value instanceof Uint8Array
        ? value
        : Buffer.concat(value);
  return Buffer.concat([
    Uint8Array.from([...varint(BigInt(field * 8 + 2)), ...varint(BigInt(body.length))]),
    body,
  ]);
}

/** Packed integers. */
export function integers(field: number, values: Iterable<number>): Field {
  return bytes(field, Uint8Array.from([...values].flatMap((value) => varint(BigInt(value)))));
}

/** The bytes of float32 numbers, as packed fields and tensors have them. */
export function floatBytes(values: Iterable<number>): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}
