/** A name without what often differs by mistake: letter case, Unicode form and spaces around it. */
export const looseName = (name: string): string => name.normalize('NFC').trim().toLowerCase();

const quoted = (name: string): string => JSON.stringify(name);

/** The advice on a name that was sent, and means this one of the signature. Both are equal but for what looseName drops. */
function advise(sent: string, meant: string): readonly [difference: string, advice: string] {
  const trimmed = sent.trim();
  if (trimmed === meant.trim()) return ['spaces around them', quoted(meant)];
  if (trimmed.normalize('NFC') !== meant.trim().normalize('NFC'))
    return ['letter case', `${quoted(meant)} for ${quoted(trimmed)}`];
  const form = (['NFC', 'NFD'] as const).find((one) => meant.normalize(one) === meant);
  return ['Unicode form', `${quoted(meant)} ${form ? `in ${form}` : 'as the signature writes it'}`];
}

/** Names of a frame without names: "0", "1", "2", … */
export const isNumbered = (names: readonly string[]): boolean =>
  names.length > 0 && names.every((name, at) => name === String(at));

/** Listed at most, of each kind. */
const MOST = 20;

/**
 * What names that a request sent in vain seem to mean, as parts of a sentence.
 *
 * @param missing names of the signature that the request lacks
 * @param sent names of the request that the signature doesn't have
 */
export function explainNames(missing: readonly string[], sent: readonly string[]): string[] {
  if (missing.length === 0 || sent.length === 0) return [];
  if (isNumbered(sent)) return ['numbers are the names of a frame without names: name its columns'];
  const byLoose = new Map(sent.map((name) => [looseName(name), name]));
  const kinds = new Map<string, string[]>();
  for (const meant of missing) {
    const found = byLoose.get(looseName(meant));
    if (found === undefined) continue;
    const [difference, advice] = advise(found, meant);
    const list = kinds.get(difference);
    if (!list) kinds.set(difference, [advice]);
    else if (list.length < MOST) list.push(advice);
  }
  return [...kinds].map(([difference, list]) => `names differ in ${difference}: send ${list.join(', ')}`);
}
