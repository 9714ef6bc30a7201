/** The buffer of bytes that a message hands to another thread rather than copies; none where it is shared. */
export const handOver = (bytes: Uint8Array | undefined): ArrayBuffer[] =>
  bytes?.buffer instanceof ArrayBuffer ? [bytes.buffer] : [];
