// Decodes reports of the engine. Decoding is total: bad bytes give a named fault, never an exception.

import { Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { amountDigits, digitsText } from '../domain/decimal.ts'
import { canonicalTicker, tickerForm } from '../domain/patterns.ts'
import { reportKinds, type Report } from '../domain/report.ts'
import { instantFromJson } from '../wire/instant.ts'
import { amountOrZeroFromJson } from '../wire/json.ts'
import { malformed, orderIdOf, printable, shapeFault, timestampFault, valueOf, type Malformed } from './decoding.ts'

// Unknown members are ignored. Amounts, ids and times have readers of their own.
const ReportMessage = Type.Object({
  reportId: Type.String(),
  orderId: Type.Optional(Type.Unknown()),
  ticker: Type.String(),
  kind: Type.String(),
  reason: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  cumulativeQuantity: Type.Optional(Type.Unknown()),
  timestamp: Type.Unknown(),
})
const reportMessage = TypeCompiler.Compile(ReportMessage)

const reasonMax = 500
const controls = /\p{Cc}+/gu

/** The engine's words on one line of at most 500 characters; null if it gives none. */
const reasonOf = (text: string | null | undefined): string | null => {
  const line = (text ?? '').toWellFormed().replace(controls, ' ').trim()
  return line === '' ? null : Array.from(line).slice(0, reasonMax).join('')
}

const quantityRule = `is not a decimal ≥ 0 of at most ${digitsText(amountDigits)}`

/** Decodes one message of the topic of reports. */
export const decodeReport = (bytes: Uint8Array | null | undefined): Report | Malformed => {
  const parsed = valueOf(bytes)
  if ('malformed' in parsed) return parsed
  const { value } = parsed
  if (!reportMessage.Check(value)) return shapeFault(reportMessage, value)
  if (!printable.test(value.reportId)) return malformed('reportId must be 1 to 64 printable characters')
  const ticker = canonicalTicker(value.ticker)
  if (ticker === null) return malformed(`ticker ${tickerForm.rule}`)
  const kind = reportKinds.find((each) => each === value.kind)
  if (kind === undefined) return malformed(`kind must be one of ${reportKinds.join(', ')}`)
  const cumulative = (value.cumulativeQuantity ?? null) === null ? null : amountOrZeroFromJson(value.cumulativeQuantity)
  if (cumulative?.ok === false) return malformed(`cumulativeQuantity ${quantityRule} (${cumulative.fault})`)
  const reportedAt = instantFromJson(value.timestamp)
  if (reportedAt === null) return malformed(timestampFault)
  const orderId = orderIdOf(value.orderId)
  if (orderId === undefined) return malformed('names no order: orderId is needed')
  if (typeof orderId === 'object') return orderId
  return {
    reportId: value.reportId,
    orderId,
    ticker,
    kind,
    reason: reasonOf(value.reason),
    cumulativeQuantity: cumulative?.amount ?? null,
    reportedAt,
  }
}
