import type { Cell } from './api.ts';

/** A request, as the page would send it. */
export interface Call {
  /** With the scheme and the host. */
  readonly url: string;
  readonly columns: readonly string[];
  readonly row: readonly Cell[];
}

/** Any text as one word of a POSIX shell. */
const shellQuote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const curl = ({ url, columns, row }: Call): string =>
  `curl -X POST ${shellQuote(url)} \\
  -H 'content-type: application/json' \\
  -d ${shellQuote(JSON.stringify({ columns, data: [row] }))}`;

const typescript = ({ url, columns, row }: Call): string =>
  `const response = await fetch(${JSON.stringify(url)}, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({
    columns: ${JSON.stringify(columns)},
    data: [${JSON.stringify(row)}],
  }),
});
if (!response.ok) throw new Error(await response.text());
console.log(await response.json());`;

/** JSON strings are valid in Python. Only escapes of lone surrogates keep another meaning there. */
function pythonLiteral(cell: Cell): string {
  if (cell === null) return 'None';
  if (typeof cell === 'boolean') return cell ? 'True' : 'False';
  return JSON.stringify(cell);
}

const pythonList = (cells: readonly Cell[]): string => `[${cells.map(pythonLiteral).join(', ')}]`;

const python = ({ url, columns, row }: Call): string =>
  `import requests

response = requests.post(
    ${JSON.stringify(url)},
    json={
        "columns": ${pythonList(columns)},
        "data": [${pythonList(row)}],
    },
)
response.raise_for_status()
print(response.json())`;

/** The ways to write a request. */
export const SNIPPETS: readonly (readonly [name: string, write: (call: Call) => string])[] = [
  ['curl', curl],
  ['TypeScript', typescript],
  ['Python', python],
];
