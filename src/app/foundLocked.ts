// Rows that statements waited for in vain, because somebody else has them locked, such as a session that was forgotten within a transaction. Whoever
// is refused for that asks again, and this process does not wait for such a row a second time: else each repetition would hold up everybody in its batch.

export type FoundLocked = {
  /** Those of these rows that were locked when they were tried last. */
  among: (ids: readonly string[]) => string[]
  /** Rows that were tried, and those of them that were locked. */
  note: (tried: readonly string[], locked: ReadonlySet<string>) => void
}

/** Rows that are known at a time; the oldest are forgotten. With as many, more than a forgotten session is wrong. */
const rowsMax = 1_000

export const createFoundLocked = (): FoundLocked => {
  const rows = new Set<string>()
  return {
    among: (ids) => (rows.size === 0 ? [] : [...new Set(ids)].filter((id) => rows.has(id))),
    note(tried, locked) {
      if (rows.size === 0 && locked.size === 0) return
      for (const id of tried) rows.delete(id)
      for (const id of locked) rows.add(id)
      for (const oldest of rows) {
        if (rows.size <= rowsMax) return
        rows.delete(oldest)
      }
    },
  }
}
