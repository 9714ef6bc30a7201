import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';

/** An alert as rules.yml has it. */
export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Rules {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Alert[] }[];
}

export const RULES = new URL('../prometheus/rules.yml', import.meta.url);

const readRules = (): Rules => parse(readFileSync(RULES, 'utf8')) as Rules;

export const readAlerts = (): Alert[] => readRules().groups.flatMap(({ rules }) => rules);

/** The text of the rules with other alerts in the place of theirs. */
export const changedRules = (change: (alert: Alert) => Alert): string =>
  stringify({ groups: readRules().groups.map((group) => ({ ...group, rules: group.rules.map(change) })) });

const BOUND = / (?:==|!=|>=|<=|>|<) -?[\d.]+$/gm;

/** The expression without its bounds: it holds for whatever there is. */
export const withoutBounds = ({ expr }: Alert): string => expr.replaceAll(BOUND, '');

/** What an alert compares. Throws if the expression isn't of the form that rules.yml describes. */
export function operands({ alert, expr }: Alert): string[] {
  const comparisons = expr.trim().split(/\n(?:and|unless)(?: on \([^)]*\))?\n/);
  return comparisons.map((comparison) => {
    const bare = comparison.replace(BOUND, '');
    if (bare === comparison || bare.includes('\n')) throw new Error(`${alert}: no comparison: ${comparison}`);
    return bare;
  });
}
