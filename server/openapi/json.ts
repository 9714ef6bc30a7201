/** A part of the document, as it will be serialised. */
export type Json = { readonly [member: string]: unknown };

/** The schema of a component. */
export const ref = (schema: string): Json => ({ $ref: `#/components/schemas/${schema}` });

/** A body of one media type. */
export const content = (type: string, schema: Json, more: Json = {}): Json => ({
  [type]: { schema, ...more },
});
