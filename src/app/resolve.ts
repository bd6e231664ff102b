// Resolves exceptions. A resolution says what somebody did about an exception; it never moves an order.

import { assert } from '../domain/assert.ts'
import {
  insertResolution,
  readExceptions,
  type ExceptionFilter,
  type Resolution,
  type TradeException,
} from '../store/exceptions.ts'
import {
  insertReportResolution,
  readReportExceptions,
  type ReportExceptionFilter,
  type StoredReportException,
} from '../store/reportExceptions.ts'
import type { Database } from '../store/sql.ts'

export type ResolveCommand = { id: string; resolvedBy: string; note: string }

export type ResolveResult<Exception = TradeException> =
  | { ok: true; exception: Exception }
  | { ok: false; code: 'NOT_FOUND' }
  /** It has another resolution already, which stands. */
  | { ok: false; code: 'ALREADY_RESOLVED'; exception: Exception }

const any = { orderId: undefined, dispositions: [], resolved: undefined, before: undefined } as const

/** `insert`: stores the resolution if there is none. `read`: an exception that exists, with its resolution. */
type Store<Exception> = {
  insert: () => Promise<Exception | undefined>
  read: () => Promise<readonly Exception[]>
}

const resolve = async <Exception extends { resolution: Resolution | null }>(
  { resolvedBy, note }: ResolveCommand,
  { insert, read }: Store<Exception>,
): Promise<ResolveResult<Exception>> => {
  const stored = await insert()
  if (stored === undefined) return { ok: false, code: 'NOT_FOUND' }
  // If it has no resolution, somebody else's was stored at the same moment and ours was not. So if the next read fails, it is still true
  // that nothing was stored.
  const [exception] = stored.resolution === null ? await read() : [stored]
  assert(exception !== undefined, 'an exception is never deleted')
  const { resolution } = exception
  if (resolution?.resolvedBy === resolvedBy && resolution.note === note) return { ok: true, exception }
  return { ok: false, code: 'ALREADY_RESOLVED', exception }
}

/** Idempotent: if the same resolution comes again, the answer is the stored one. */
export const resolveException = (db: Database, command: ResolveCommand, now: Date): Promise<ResolveResult> => {
  const filter: ExceptionFilter = { ...any, tradeId: undefined, id: command.id }
  return resolve(command, {
    insert: () => db.run((sql) => insertResolution(sql, { ...command, now })),
    read: () => db.run((sql) => readExceptions(sql, filter, 1)),
  })
}

/** The same for an exception of a report. */
export const resolveReportException = (
  db: Database,
  command: ResolveCommand,
  now: Date,
): Promise<ResolveResult<StoredReportException>> => {
  const filter: ReportExceptionFilter = { ...any, reportId: undefined, id: command.id }
  return resolve(command, {
    insert: () => db.run((sql) => insertReportResolution(sql, { ...command, now })),
    read: () => db.run((sql) => readReportExceptions(sql, filter, 1)),
  })
}
