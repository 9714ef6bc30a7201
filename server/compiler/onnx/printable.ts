const MAX_LENGTH = 64;

/** A name out of a file as it may stand in a line of the log: cut, and without control characters. */
export function printable(name: string): string {
  const clean = name.replace(/[\p{C}\p{Z}]/gu, ' ');
  return clean.length > MAX_LENGTH ? `${clean.slice(0, MAX_LENGTH)}…` : clean;
}
