/** Lines up columns: the first `leftColumns` to the left, the others to the right. */
export function renderTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  leftColumns: number,
): string {
  const widths = header.map((title, k) =>
    Math.max(title.length, ...rows.map((row) => (row[k] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    widths
      .map((width, k) =>
        k < leftColumns ? (cells[k] ?? '').padEnd(width) : (cells[k] ?? '').padStart(width),
      )
      .join('  ')
      .trimEnd();
  return [line(header), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}
