/** A model version that can't be served, and why, in one line. */
export class ModelRefused extends Error {
  /** Without the model's name. */
  readonly reason: string;
  constructor(model: string, reason: string) {
    super(`model ${model} refused: ${reason}`);
    this.name = 'ModelRefused';
    this.reason = reason;
  }
}

/** The files of a version can't be brought within reach, for a reason that may pass. */
export class NotFetched extends ModelRefused {}
