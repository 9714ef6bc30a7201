import type { FamilyHead, FamilySnapshot, Values } from '../../metrics/snapshot.ts';

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
const escapeLabel = (text: string): string => escapeHelp(text).replaceAll('"', '\\"');

function number(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}

function labelsOf(key: string): string {
  const labels = JSON.parse(key) as Readonly<Record<string, string | number>>;
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(String(value))}"`)
    .join(',');
}

/** The beginnings of a series' lines, in the order of its values, a histogram's count last. */
function beginnings({ name, type, bounds }: FamilyHead, key: string): string[] {
  const labels = labelsOf(key);
  const among = (suffix: string): string =>
    labels === '' ? `${name}${suffix} ` : `${name}${suffix}{${labels}} `;
  if (type !== 'histogram') return [among('')];
  const more = labels === '' ? '' : `,${labels}`;
  return [
    ...[...bounds, '+Inf'].map((bound) => `${name}_bucket{le="${bound}"${more}} `),
    among('_sum'),
    among('_count'),
  ];
}

/** Writes families as text, in Prometheus' format. */
export type Expose = (families: readonly FamilySnapshot[]) => string;

/** Labels hardly ever change between two scrapes: what each line begins with is kept. */
export function createExposition(): Expose {
  const made = new Map<string, Map<string, readonly string[]>>();
  const linesOf = (head: FamilyHead, key: string, values: Values): string => {
    let known = made.get(head.name);
    if (!known) made.set(head.name, (known = new Map<string, readonly string[]>()));
    let begin = known.get(key);
    if (!begin) known.set(key, (begin = beginnings(head, key)));
    const count = head.type === 'histogram' ? [values.at(-2) as number] : [];
    return [...values, ...count].map((value, at) => `${begin[at]}${number(value)}\n`).join('');
  };
  return (families) =>
    families
      .map((family) => {
        const { name, help, type, series } = family;
        const lines = series.map(([key, values]) => linesOf(family, key, values)).join('');
        return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines}`;
      })
      .join('\n');
}
