// Where a key leads in the table.

/**
 * The row to go to from row `at` of `count`; undefined for a key that is none of the table's, and where there is no row. `at` -1: none is
 * selected. `page`: the rows of a page.
 */
export const rowAfterKey = (
  key: string,
  at: number,
  { count, page }: { readonly count: number; readonly page: number },
): number | undefined => {
  const targets: Readonly<Record<string, number>> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + page,
    PageUp: at - page,
    Home: 0,
    End: count - 1,
  }
  const target = targets[key]
  return target === undefined || count === 0 ? undefined : Math.min(count - 1, Math.max(0, target))
}
