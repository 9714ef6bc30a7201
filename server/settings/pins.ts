/** Which version of a model is served where none is named. */
export type Pin = number | 'latest';

/** Reads `adult=1,*=latest`: pins by model name, `*` for all others. Undefined for anything else. */
export function parsePins(text: string): ReadonlyMap<string, Pin> | undefined {
  const pins = new Map<string, Pin>();
  for (const part of text.split(',').filter((piece) => piece.trim() !== '')) {
    const [, name, version] =
      /^\s*([A-Za-z0-9][A-Za-z0-9._-]{0,63}|\*)=(latest|[1-9]\d{0,8})\s*$/.exec(part) ?? [];
    if (name === undefined || version === undefined || pins.has(name)) return undefined;
    // `*` names all models, whose version numbers have nothing in common.
    if (name === '*' && version !== 'latest') return undefined;
    pins.set(name, version === 'latest' ? 'latest' : Number(version));
  }
  return pins;
}
