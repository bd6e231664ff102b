// The figures of a page of /metrics; exposition.ts is the strict reader.

/** The value of each series by its name, labels included, as they stand on the page. */
export const parseMetrics = (page: string): Record<string, number> =>
  Object.fromEntries(
    page
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
