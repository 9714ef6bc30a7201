/** The weight of each entry of a header such as Accept, by its name in lower case (RFC 9110, section 12.4.2). */
export function readWeights(accept: string): ReadonlyMap<string, number> {
  return new Map(
    accept.split(',').map((entry) => {
      const [name = '', ...parameters] = entry.toLowerCase().split(';');
      const weight = parameters.find((parameter) => parameter.trim().startsWith('q='));
      return [name.trim(), weight === undefined ? 1 : Number(weight.trim().slice(2))];
    }),
  );
}
