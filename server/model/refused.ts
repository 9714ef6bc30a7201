/** A model version can't be served; the message is one line with the reason. */
export class ModelRefused extends Error {
  /** Without the model's name. */
  readonly reason: string;
  constructor(model: string, reason: string) {
    super(`model ${model} refused: ${reason}`);
    this.name = 'ModelRefused';
    this.reason = reason;
  }
}

/** The files of a version can't be fetched, for a reason that may be transient. */
export class NotFetched extends ModelRefused {}
