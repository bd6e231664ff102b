// Resolves exceptions. A resolution says what somebody did about an exception; it never moves an order.

import { assert } from '../domain/assert.ts'
import { insertResolution, readExceptions, type ExceptionFilter, type TradeException } from '../store/exceptions.ts'
import type { Database } from '../store/sql.ts'

export type ResolveCommand = { id: string; resolvedBy: string; note: string }

export type ResolveResult =
  | { ok: true; exception: TradeException }
  | { ok: false; code: 'NOT_FOUND' }
  /** It has another resolution already, which stands. */
  | { ok: false; code: 'ALREADY_RESOLVED'; exception: TradeException }

const anyException: ExceptionFilter = {
  id: undefined,
  orderId: undefined,
  tradeId: undefined,
  dispositions: [],
  resolved: undefined,
  before: undefined,
}

const readOne = async (db: Database, id: string): Promise<TradeException> => {
  const [exception] = await db.run((sql) => readExceptions(sql, { ...anyException, id }, 1))
  assert(exception !== undefined, 'an exception is never deleted')
  return exception
}

/** Idempotent: if the same resolution comes again, the answer is the stored one. */
export const resolveException = async (
  db: Database,
  { id, resolvedBy, note }: ResolveCommand,
  now: Date,
): Promise<ResolveResult> => {
  const stored = await db.run((sql) => insertResolution(sql, { id, resolvedBy, note, now }))
  if (stored === undefined) return { ok: false, code: 'NOT_FOUND' }
  // If it has no resolution, somebody else's was stored at the same moment and ours was not. So if the next read fails, it is still true
  // that nothing was stored.
  const exception = stored.resolution === null ? await readOne(db, id) : stored
  const { resolution } = exception
  if (resolution?.resolvedBy === resolvedBy && resolution.note === note) return { ok: true, exception }
  return { ok: false, code: 'ALREADY_RESOLVED', exception }
}
