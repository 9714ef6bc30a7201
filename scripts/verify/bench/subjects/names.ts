/** What is measured by default: ourselves, the floor, and what the batching is worth. */
export const OWN_SUBJECTS = ['echo', 'server', 'direct', 'naive'] as const;
/** Others' servers on the same model. */
export const PEERS = ['fastapi', 'mlflow'] as const;

export type SubjectName = (typeof OWN_SUBJECTS)[number] | (typeof PEERS)[number];

export const isSubject = (text: string): text is SubjectName =>
  [...OWN_SUBJECTS, ...PEERS].some((name) => name === text);
