// Exceptions as an operator works on them. Resolving says what was done about one; it never moves an order.

import { assert } from '../domain/assert.ts'
import { insertResolution, readExceptions, type ExceptionFilter, type TradeException } from '../store/exceptions.ts'
import type { Database } from '../store/sql.ts'

export type ResolveCommand = { id: string; resolvedBy: string; note: string }

export type ResolveResult =
  | { ok: true; exception: TradeException }
  | { ok: false; code: 'NOT_FOUND' }
  /** Somebody resolved it already, in other words. */
  | { ok: false; code: 'ALREADY_RESOLVED'; exception: TradeException }

const all: ExceptionFilter = {
  id: undefined,
  orderId: undefined,
  tradeId: undefined,
  dispositions: [],
  resolved: undefined,
  before: undefined,
}

const readOne = async (db: Database, id: string): Promise<TradeException> => {
  const [exception] = await db.run((sql) => readExceptions(sql, { ...all, id }, 1))
  assert(exception !== undefined, 'an exception is never deleted')
  return exception
}

/** Idempotent: the same words again answer with what is stored. */
export const resolveException = async (
  db: Database,
  { id, resolvedBy, note }: ResolveCommand,
  now: Date,
): Promise<ResolveResult> => {
  const seen = await db.run((sql) => insertResolution(sql, { id, resolvedBy, note, now }))
  if (seen === undefined) return { ok: false, code: 'NOT_FOUND' }
  // Without one, somebody else's was stored at the same moment, and ours was not: a failure of this look stores nothing either.
  const exception = seen.resolution === null ? await readOne(db, id) : seen
  const { resolution } = exception
  if (resolution?.resolvedBy === resolvedBy && resolution.note === note) return { ok: true, exception }
  return { ok: false, code: 'ALREADY_RESOLVED', exception }
}
