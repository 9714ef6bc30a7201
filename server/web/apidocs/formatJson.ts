const isPlain = (value: unknown): boolean => typeof value !== 'object' || value === null;

/** Indented JSON, with each list of plain values, such as a row, on one line. */
export function formatJson(value: unknown, indent = ''): string {
  if (isPlain(value)) return JSON.stringify(value);
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.every(isPlain)) return `[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
    return `[\n${value.map((item) => deeper + formatJson(item, deeper)).join(',\n')}\n${indent}]`;
  }
  const members = Object.entries(value as object);
  if (members.length === 0) return '{}';
  const lines = members.map(([key, item]) => `${deeper}${JSON.stringify(key)}: ${formatJson(item, deeper)}`);
  return `{\n${lines.join(',\n')}\n${indent}}`;
}
