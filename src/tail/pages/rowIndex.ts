// Rows of the log by what may concern somebody, so that of thousands who look for theirs none goes through all of them.

import type { PageInterest } from '../../app/logPages.ts'
import type { LogRow } from '../../store/log.ts'

/** The rows in which somebody may have an interest, in their order. */
export type RowIndex = (interest: PageInterest) => LogRow[]

const add = (index: Map<string, number[]>, key: string | undefined, at: number): void => {
  if (key === undefined) return
  const list = index.get(key)
  if (list === undefined) index.set(key, [at])
  else if (list.at(-1) !== at) list.push(at)
}

export const indexRows = (rows: readonly LogRow[]): RowIndex => {
  const [bySession, byUser] = [new Map<string, number[]>(), new Map<string, number[]>()]
  for (const [at, { history }] of rows.entries()) {
    const { door, cause, order } = history
    add(bySession, door?.kind === 'fix' ? door.session : undefined, at)
    add(bySession, cause.session, at)
    add(byUser, order.userId, at)
  }
  return ({ session, userIds }) => {
    const lists = [bySession.get(session), ...userIds.map((userId) => byUser.get(userId))].filter(
      (list) => list !== undefined,
    )
    if (lists.length === 0) return []
    return [...new Set(lists.flat())].toSorted((a, b) => a - b).map((at) => rows[at]!)
  }
}
