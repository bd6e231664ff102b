// The answers about exceptions of reports: their schemas, and the functions that write them.

import { Type, type Static } from '@sinclair/typebox'
import { reportExceptions, reportKinds } from '../../domain/report.ts'
import type { StoredReportException } from '../../store/reportExceptions.ts'
import { exactAmount } from '../../wire/exactAmount.ts'
import { ExactAmount, Instant, oneOf, orNull, ReportId, Ticker, Uuid } from '../../wire/shapes.ts'
import { NextCursor } from '../exchange/cursor.ts'
import { Resolution, Source } from './answers.ts'

export const ReportException = Type.Object(
  {
    id: Uuid,
    disposition: oneOf(reportExceptions),
    reason: Type.String(),
    orderId: Uuid,
    reportId: ReportId,
    kind: oneOf(reportKinds),
    ticker: Ticker,
    reportReason: orNull(Type.String({ description: 'The words of the engine.' })),
    cumulativeQuantity: orNull(ExactAmount),
    reportedAt: Instant,
    recordedAt: Instant,
    source: Source,
    keyBase64: orNull(Type.String({ contentEncoding: 'base64' })),
    message: Type.String({ description: 'The message as received.' }),
    resolution: orNull(Resolution),
  },
  {
    component: 'ReportException',
    description:
      'A report of the engine that does not fit its order, or (`INCOMPLETE`) that ended it although fills which it counts have not come.',
  },
)

export const ReportExceptionPage = Type.Object({
  exceptions: Type.Array(ReportException),
  nextCursor: NextCursor,
})

/** An exception as an object for JSON.stringify. */
const answerOf = (exception: StoredReportException): Static<typeof ReportException> => {
  const { topic, partition, offset, key, cumulativeQuantity, ...rest } = exception
  return {
    id: rest.id,
    disposition: rest.disposition,
    reason: rest.reason,
    orderId: rest.orderId,
    reportId: rest.reportId,
    kind: rest.kind,
    ticker: rest.ticker,
    reportReason: rest.reportReason,
    cumulativeQuantity: cumulativeQuantity === null ? null : exactAmount(cumulativeQuantity),
    reportedAt: rest.reportedAt,
    recordedAt: rest.recordedAt,
    source: { topic, partition, offset },
    keyBase64: key === null ? null : Buffer.from(key).toString('base64'),
    message: rest.message,
    resolution: rest.resolution,
  }
}

export const reportExceptionJson = (exception: StoredReportException): string => JSON.stringify(answerOf(exception))

/** `nextCursor`: null on the last page. */
export const reportExceptionPageJson = (
  exceptions: readonly StoredReportException[],
  nextCursor: string | null,
): string =>
  JSON.stringify({ exceptions: exceptions.map(answerOf), nextCursor } satisfies Static<typeof ReportExceptionPage>)
