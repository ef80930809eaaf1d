/** What is common to asking strangers over HTTP: answers that must end somewhere, and reasons that name no address. */

/** The body of an answer. Throws RangeError as soon as it is longer than `limitBytes`. */
export async function readBounded(response: Response, limitBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > limitBytes) throw new RangeError('the answer is too long');
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Why there was no answer. What fetch says may hold the URL, which may hold credentials; its cause has a code. */
export function whyNoAnswer(error: unknown): string {
  if (error instanceof RangeError) return error.message;
  if (!(error instanceof Error)) return 'no answer';
  if (error.name === 'TimeoutError') return 'no answer in time';
  const code = error.cause instanceof Error && 'code' in error.cause ? String(error.cause.code) : error.name;
  return `no answer (${code})`;
}
