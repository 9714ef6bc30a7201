import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';

/** An alert of rules.yml. */
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

/** The text of the rules with these alerts instead. */
export const changedRules = (change: (alert: Alert) => Alert): string =>
  stringify({ groups: readRules().groups.map((group) => ({ ...group, rules: group.rules.map(change) })) });

const BOUND = / (?:==|!=|>=|<=|>|<) -?[\d.]+$/gm;

/** The expression without its bounds: it is true for any value. */
export const withoutBounds = ({ expr }: Alert): string => expr.replaceAll(BOUND, '');

/** The comparisons of an alert. Throws if the expression doesn't have the form that rules.yml describes. */
export function operands({ alert, expr }: Alert): string[] {
  const comparisons = expr.trim().split(/\n(?:and|unless)(?: on \([^)]*\))?\n/);
  return comparisons.map((comparison) => {
    const bare = comparison.replace(BOUND, '');
    if (bare === comparison || bare.includes('\n')) throw new Error(`${alert}: no comparison: ${comparison}`);
    return bare;
  });
}
