// Resolves exceptions. A resolution says what somebody did about an exception; it never moves an order.

import { assert } from '../domain/assert.ts'
import type { ExceptionList, Resolution } from '../store/exceptionList.ts'
import { tradeExceptions, type ExceptionFilter, type TradeException } from '../store/exceptions.ts'
import { reportExceptions, type ReportExceptionFilter, type StoredReportException } from '../store/reportExceptions.ts'
import type { Database } from '../store/sql.ts'

export type ResolveCommand = { id: string; resolvedBy: string; note: string }

export type ResolveResult<Exception = TradeException> =
  | { ok: true; exception: Exception }
  | { ok: false; code: 'NOT_FOUND' }
  /** It has another resolution already, which stands. */
  | { ok: false; code: 'ALREADY_RESOLVED'; exception: Exception }

const anyException = { orderId: undefined, dispositions: [], resolved: undefined, before: undefined } as const

const resolve = async <Exception extends { resolution: Resolution | null }, Filter>(
  list: ExceptionList<Exception, Filter>,
  { db, command, now }: { db: Database; command: ResolveCommand; now: Date },
  filter: Filter,
): Promise<ResolveResult<Exception>> => {
  const { resolvedBy, note } = command
  const stored = await db.run((sql) => list.resolve(sql, { ...command, now }))
  if (stored === undefined) return { ok: false, code: 'NOT_FOUND' }
  // If it has no resolution, somebody else's was stored at the same moment and ours was not. So if the next read fails, it is still true
  // that nothing was stored.
  const [exception] = stored.resolution === null ? await db.run((sql) => list.read(sql, filter, 1)) : [stored]
  assert(exception !== undefined, 'an exception is never deleted')
  const { resolution } = exception
  if (resolution?.resolvedBy === resolvedBy && resolution.note === note) return { ok: true, exception }
  return { ok: false, code: 'ALREADY_RESOLVED', exception }
}

/** Idempotent: if the same resolution comes again, the answer is the stored one. */
export const resolveException = (db: Database, command: ResolveCommand, now: Date): Promise<ResolveResult> => {
  const filter: ExceptionFilter = { ...anyException, tradeId: undefined, id: command.id }
  return resolve(tradeExceptions, { db, command, now }, filter)
}

/** The same for an exception of a report. */
export const resolveReportException = (
  db: Database,
  command: ResolveCommand,
  now: Date,
): Promise<ResolveResult<StoredReportException>> => {
  const filter: ReportExceptionFilter = { ...anyException, reportId: undefined, id: command.id }
  return resolve(reportExceptions, { db, command, now }, filter)
}
