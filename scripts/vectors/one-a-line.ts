/** A file of vectors in which each stands on a line of its own, so that a change of one shows as one. */
export function formatOneALine({ about, ...lists }: { readonly about: string }): string {
  const parts = Object.entries(lists as Record<string, readonly object[]>).map(([name, vectors]) => {
    return `${JSON.stringify(name)}:[\n${vectors.map((one) => JSON.stringify(one)).join(',\n')}\n]`;
  });
  return `{${[`"about":${JSON.stringify(about)}`, ...parts].join(',\n')}}\n`;
}
