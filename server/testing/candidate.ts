import type { Candidate } from '../repository/listing.ts';

/** A version by its id: `adult/1` or, with another content, `adult/1@b`. There are no files in its folder. */
export function candidate(text: string): Candidate {
  const [id = '', fingerprint = 'a'] = text.split('@');
  const [name = '', version] = id.split('/');
  return { name, version: Number(version), id, fingerprint, folder: `/r/${id}`, root: '/r' };
}
