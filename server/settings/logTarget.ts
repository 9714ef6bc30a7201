/** Where predictions are logged. */
export type LogTarget =
  | { readonly kind: 'redis'; readonly url: string }
  /** A relative folder starts at the project folder. */
  | { readonly kind: 'file'; readonly folder: string };

/** What an input becomes in a record: itself and its digest, the digest alone, or nothing. */
export type InputForm = 'full' | 'hash' | 'none';

/** Reads `redis://host:6379/0`, `rediss://…` or `file:/path/folder`; undefined for anything else. */
export function parseLogTarget(text: string): LogTarget | undefined {
  if (/^rediss?:\/\//.test(text)) {
    if (!URL.canParse(text)) return undefined;
    const { hostname, pathname } = new URL(text);
    return hostname !== '' && /^\/?\d*$/.test(pathname) ? { kind: 'redis', url: text } : undefined;
  }
  const [, folder] = /^file:(?:\/\/(?=\/))?(.+)$/.exec(text) ?? [];
  return folder === undefined ? undefined : { kind: 'file', folder };
}
