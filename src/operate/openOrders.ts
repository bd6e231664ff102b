// How many open orders a command would concern, for the person who is asked.

import { member } from '../client/text.ts'
import type { Query } from './call.ts'
import type { Context } from './context.ts'
import { getRows, type Got } from './read.ts'

/** Orders that are counted at most. */
const countMax = 10_000

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`

/** Such as `12 open orders of 3 users in 2 tickers`; null: none. */
export const countOpen = async (context: Context, query: Query): Promise<Got<string | null>> => {
  const list = { path: 'orders', what: 'list these orders', rows: 'orders', limit: countMax }
  const got = await getRows(context, { ...list, query: { ...query, status: 'open' } })
  if (!got.ok) return got
  const { rows, next } = got.value
  if (rows.length === 0 && next === null) return { ok: true, value: null }
  const users = new Set(rows.map((row) => member(row, 'userId'))).size
  const tickers = new Set(rows.map((row) => member(row, 'ticker'))).size
  const counted = `${plural(rows.length, 'open order')} of ${plural(users, 'user')} in ${plural(tickers, 'ticker')}`
  return { ok: true, value: next === null ? counted : `more than ${counted}` }
}
