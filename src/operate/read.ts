// Reads lists of the service page by page, to a limit.

import type { Members } from '../client/text.ts'
import type { Answer, Query } from './call.ts'
import type { Context } from './context.ts'
import { persist } from './persist.ts'
import { objectOf, refusalText } from './refusal.ts'
import { pageOf } from './show.ts'

/** A sentence for a person, where the service did not answer as hoped. */
type Failed = { ok: false; reason: string; answer?: Answer }
export type Got<T> = { ok: true; value: T } | Failed

/** Asks for one object. `what` completes "this credential may not …". */
export const getObject = async (
  context: Context,
  { path, query, what }: { path: string; query?: Query; what: string },
): Promise<Got<{ text: string; object: Members }>> => {
  const reply = await persist(context, { method: 'GET', path, ...(query !== undefined && { query }) })
  if (reply.kind === 'none') return { ok: false, reason: reply.reason }
  const { answer } = reply
  if (answer.status !== 200) return { ok: false, reason: refusalText(answer, what, context.access), answer }
  return { ok: true, value: { text: answer.text, object: objectOf(answer.text) } }
}

export type List = {
  path: string
  query?: Query
  what: string
  /** The member of a page that has the rows. */
  rows: string
  /** Rows at most. */
  limit: number
  /** Where to begin. */
  cursor?: string | undefined
}

const pageRowsMax = 500
/** Pages may be empty before the last one: the service looks at 10,000 rows for each. */
const pagesMax = 10_000

/** The rows, and where the list goes on; null: it was read to its end. */
export const getRows = async (
  context: Context,
  { path, query = {}, what, rows: name, limit, cursor }: List,
): Promise<Got<{ rows: Members[]; next: string | null }>> => {
  const rows: Members[] = []
  let next: string | null = cursor ?? null
  for (let page = 0; page < pagesMax; page++) {
    const size = String(Math.min(pageRowsMax, limit - rows.length))
    const got = await getObject(context, { path, query: { ...query, limit: size, cursor: next ?? undefined }, what })
    if (!got.ok) return got
    const found = pageOf(got.value.object, name)
    rows.push(...found.rows)
    next = found.next
    if (next === null || rows.length >= limit) break
  }
  return { ok: true, value: { rows, next } }
}
