// Exceptions of reports: what an engine reported of an order of ours and what does not fit.

import { amountFromSql, type Amount } from '../domain/decimal.ts'
import type { ReportExceptionDisposition, ReportKind } from '../domain/report.ts'
import { createExceptionList, type CommonFilter, type StoredException } from './exceptionList.ts'
import { isoFromSql } from './time.ts'

/** `reportReason`: the words of the engine. */
type Report = {
  reportId: string
  kind: ReportKind
  reportReason: string | null
  cumulativeQuantity: Amount | null
  reportedAt: string
}
type ReportRow = {
  report_id: string
  kind: ReportKind
  reason_text: string | null
  cumulative_quantity: string | null
  report_time: string
}
type OwnFilter = { reportId: string | undefined }

export type StoredReportException = StoredException<ReportExceptionDisposition> & Report
export type ReportExceptionFilter = CommonFilter<ReportExceptionDisposition> & OwnFilter

export const reportExceptions = createExceptionList<ReportRow, OwnFilter, Report, ReportExceptionDisposition>({
  table: 'report_exceptions',
  resolutions: 'report_exception_resolutions',
  columns: `e.report_id, e.kind, e.reason_text, e.cumulative_quantity,
    to_char(e.reported_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as report_time`,
  condition: (sql, { reportId }) => (reportId === undefined ? sql`true` : sql`e.report_id = ${reportId}`),
  fromRow: (row) => ({
    reportId: row.report_id,
    kind: row.kind,
    reportReason: row.reason_text,
    cumulativeQuantity: row.cumulative_quantity === null ? null : amountFromSql(row.cumulative_quantity),
    reportedAt: isoFromSql(row.report_time),
  }),
})
