// The query parameters of the lists of exceptions, and the filters that they describe.

import { Type, type TString } from '@sinclair/typebox'
import { canonicalUuid } from '../../domain/ids.ts'
import { exceptionDispositions } from '../../domain/leg.ts'
import { reportExceptions } from '../../domain/report.ts'
import type { ExceptionFilter } from '../../store/exceptions.ts'
import type { ReportExceptionFilter } from '../../store/reportExceptions.ts'
import { ReportId, TradeId } from '../../wire/shapes.ts'
import type { Decoded, UnknownFields } from '../exchange/decode.ts'
import { choice, defineQuery, limitDefault, pageRows, uuid } from '../exchange/query.ts'

const idText = (schema: TString) => ({
  schema,
  read: (text: string) => (/^\P{C}{1,64}$/u.test(text) ? text : undefined),
  rule: 'must be 1 to 64 characters',
})

const dispositionOf = <const T extends readonly string[]>(dispositions: T) => {
  const disposition = choice(dispositions)
  return {
    ...disposition,
    schema: Type.Array(disposition.schema, { description: 'May be repeated.' }),
    repeated: true,
  } as const
}

const resolved = {
  schema: Type.Boolean(),
  read: (text: string) => (text === 'true' ? true : text === 'false' ? false : undefined),
  rule: 'must be true or false',
}

const rowsOf = (list: 'exception' | 'reportException') =>
  pageRows(list, (position) => canonicalUuid(position) ?? undefined)

const exceptionsQuery = defineQuery({
  orderId: uuid,
  tradeId: idText(TradeId),
  disposition: dispositionOf(exceptionDispositions),
  resolved,
  ...rowsOf('exception'),
})
export const ExceptionsQuery = exceptionsQuery.schema

export const decodeExceptionsQuery = (
  search: URLSearchParams,
  unknownFields: UnknownFields,
): Decoded<{ filter: ExceptionFilter; limit: number }> => {
  const query = exceptionsQuery.read(search, unknownFields)
  if (!query.ok) return query
  const { orderId, tradeId, disposition: dispositions, limit, cursor } = query.value
  const filter = { id: undefined, orderId, tradeId, dispositions, resolved: query.value.resolved, before: cursor }
  return { ok: true, value: { filter, limit: limit ?? limitDefault } }
}

const reportExceptionsQuery = defineQuery({
  orderId: uuid,
  reportId: idText(ReportId),
  disposition: dispositionOf(reportExceptions),
  resolved,
  ...rowsOf('reportException'),
})
export const ReportExceptionsQuery = reportExceptionsQuery.schema

/** The parameters and the filter of the list of exceptions of reports. */
export const decodeReportExceptionsQuery = (
  search: URLSearchParams,
  unknownFields: UnknownFields,
): Decoded<{ filter: ReportExceptionFilter; limit: number }> => {
  const query = reportExceptionsQuery.read(search, unknownFields)
  if (!query.ok) return query
  const { orderId, reportId, disposition: dispositions, limit, cursor } = query.value
  const filter = { id: undefined, orderId, reportId, dispositions, resolved: query.value.resolved, before: cursor }
  return { ok: true, value: { filter, limit: limit ?? limitDefault } }
}
