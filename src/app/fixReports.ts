// The reports of sessions of FIX: pages of many sessions in one statement, since each session has few under way, and a commit costs the same
// for one as for all.

import { readAttempted, reportInFixSessions, type FixReports, type NumberedReport } from '../store/fixSent.ts'
import { readFixSession } from '../store/fixSessions.ts'
import type { Database } from '../store/sql.ts'
import type { FixRefusal } from './fixOrders.ts'

export type FixReportResult = { ok: true; reports: NumberedReport[] } | FixRefusal

/** What became of a page for which nothing was done: an earlier attempt of the same statement may have reported it. */
const reportedBefore = async (db: Database, page: FixReports): Promise<FixReportResult> => {
  const session = await db.run((sql) => readFixSession(sql, page))
  if (session?.attempt !== page.attempt) return { ok: false, code: 'SESSION_LOST' }
  const given = { series: session.series, first: session.attemptOut! }
  return { ok: true, reports: await db.run((sql) => readAttempted(sql, page, given)) }
}

/** Numbers the reports of pages, at most one page a session. Returns one result for each, in order. Idempotent: called again it numbers nothing twice. */
export const reportFixPages = async (db: Database, pages: readonly FixReports[]): Promise<FixReportResult[]> => {
  const given = await db.run((sql) => reportInFixSessions(sql, pages))
  return Promise.all(
    pages.map(async (page, i): Promise<FixReportResult> => {
      const reports = given[i]!
      return reports === null ? reportedBefore(db, page) : { ok: true, reports }
    }),
  )
}
