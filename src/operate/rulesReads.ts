// Reads the rules of business: the instruments, the state of trading, and their changes.

import { member, objectIn, type Members } from '../client/text.ts'
import type { Context } from './context.ts'
import { limitsIn, noLimits, type Limits } from './limits.ts'
import { getObject, getRows, type Got } from './read.ts'

const what = 'read the rules'
/** More than a service is built for. */
const instrumentsMax = 100_000

/** The listed instruments, or the one of this ticker if it is listed. */
export const getInstruments = async (context: Context, ticker: string | undefined): Promise<Got<Members[]>> => {
  const list = { path: 'instruments', query: { ticker }, what, rows: 'instruments', limit: instrumentsMax }
  const got = await getRows(context, list)
  if (got.ok) return { ok: true, value: got.value.rows }
  return got.answer?.status === 404 && ticker !== undefined ? { ok: true, value: [] } : got
}

/** The limits of a ticker as they are; null: it is not listed. */
export const getLimits = async (context: Context, ticker: string): Promise<Got<Limits | null>> => {
  const got = await getInstruments(context, ticker)
  if (!got.ok) return got
  const [instrument] = got.value
  return { ok: true, value: instrument === undefined ? null : limitsIn(instrument) }
}

/** The state of trading: of a ticker, with that of `all`; or of all, with `limits` and the tickers that are `halted` by themselves. */
export const getTrading = async (
  context: Context,
  ticker: string | undefined,
): Promise<Got<{ text: string; object: Members }>> => getObject(context, { path: 'trading', query: { ticker }, what })

/** The limits that hold where a ticker has none of its own. */
export const getDefaults = async (context: Context): Promise<Got<Limits>> => {
  const got = await getTrading(context, undefined)
  if (!got.ok) return got
  const limits = objectIn(got.value.object, 'limits')
  return { ok: true, value: limits === null ? noLimits : limitsIn(limits) }
}

/** Changes, newest first. */
export const getChanges = (context: Context, limit: number, cursor: string | undefined) =>
  getRows(context, { path: 'rules/changes', what, rows: 'changes', limit, cursor })

/** Who set something last, and why. */
export const authorOf = (row: Members): string =>
  [member(row, 'by'), member(row, 'note')].filter((text) => text !== '').join(': ')
