/** The promise, or an error after `ms`: this one, or one that names what is late. */
export async function deadline<T>(promise: Promise<T>, ms: number, what: string | Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(what instanceof Error ? what : new Error(`${what}: not within ${ms} ms`)),
      ms,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
