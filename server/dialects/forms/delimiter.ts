/** What stands between the cells of a CSV. */
export const DELIMITERS = [',', ';', '\t', '|'] as const;
export type Delimiter = (typeof DELIMITERS)[number];

const NAMES: Readonly<
  Record<Delimiter, { readonly plural: string; readonly shown: string; readonly value: string }>
> = {
  ',': { plural: 'commas', shown: '","', value: ',' },
  ';': { plural: 'semicolons', shown: '";"', value: ';' },
  '\t': { plural: 'tabs', shown: 'a tab', value: 'tab' },
  '|': { plural: 'pipes', shown: '"|"', value: '|' },
};

export const isDelimiter = (text: string): text is Delimiter =>
  (DELIMITERS as readonly string[]).includes(text);

/** Advice to a client whose cells seem to be separated otherwise than its request says. */
export const adviseDelimiter = (seen: Delimiter, asked: Delimiter): string =>
  `the cells seem to be separated by ${NAMES[seen].shown}; send ${NAMES[asked].plural}, or ?delimiter=${NAMES[seen].value}`;
