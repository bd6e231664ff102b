// Pages of a list. Each door decides how a position becomes a cursor.

/** `next`: the position to go on from, exclusive; null: this page is the last one. */
export type Page<Item, Position> = { items: readonly Item[]; next: Position | null }

/** A page of the first `limit` of `rows`, which were read with a limit of `limit` + 1: the extra row proves that there is a next page. */
export const pageOf = <Item, Position>(
  rows: readonly Item[],
  limit: number,
  positionOf: (item: Item) => Position,
): Page<Item, Position> => {
  const items = rows.slice(0, limit)
  return { items, next: rows.length > limit ? positionOf(items.at(-1)!) : null }
}
