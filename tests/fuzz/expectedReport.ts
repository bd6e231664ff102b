// Part of the independent oracle: it decodes a message of the report topic without a line of the service: a report in canonical form, no
// report, or `UNCLEAR` if the contract leaves it open.

import { amountOf } from './expectedOrder.ts'
import { isAbsent, orderIdOf, textIn, timeOf, tradeIdOf } from './expectedTrade.ts'
import { membersOf, parseStrict, type Json } from './strictJson.ts'

type ExpectedReport = {
  reportId: string
  orderId: string
  ticker: string
  kind: string
  /** A plain decimal; null: the report leaves it out. */
  cumulative: string | null
  reportedAt: string
}

/** Zero in any notation of JSON, or as text in plain notation. */
const isZero = (value: Json): boolean => {
  if (value.kind === 'number') return /^-?0(\.0+)?([eE].*)?$/.test(value.source)
  return value.kind === 'string' && /^0(\.0+)?$/.test(value.value)
}

/** Undefined: it is no quantity. */
const cumulativeOf = (value: Json | undefined): string | null | undefined => {
  if (isAbsent(value)) return null
  return isZero(value!) ? '0' : (amountOf(value) ?? undefined)
}

const hasReason = (value: Json | undefined): boolean => isAbsent(value) || value!.kind === 'string'

export const expectReport = (bytes: Uint8Array | null): ExpectedReport | 'MALFORMED' | 'UNCLEAR' => {
  const text = bytes === null ? null : textIn(bytes)
  if (text === null) return 'MALFORMED'
  if (text.startsWith('\ufeff')) return 'UNCLEAR'
  const value = parseStrict(text)
  if (value === 'TOO_DEEP') return 'UNCLEAR'
  if (value?.kind !== 'object') return 'MALFORMED'
  const members = membersOf(value)
  const [ticker, kind] = [members.get('ticker'), members.get('kind')]
  const orderId = orderIdOf(members.get('orderId'))
  const cumulative = cumulativeOf(members.get('cumulativeQuantity'))
  if (
    ticker?.kind !== 'string' ||
    !/^[A-Za-z0-9._/:^=+&@#-]{1,16}$/.test(ticker.value) ||
    kind?.kind !== 'string' ||
    !['REJECTED', 'CANCELED', 'EXPIRED'].includes(kind.value) ||
    !hasReason(members.get('reason')) ||
    cumulative === undefined ||
    orderId === null
  )
    return 'MALFORMED'
  const [reportId, reportedAt] = [tradeIdOf(members.get('reportId')), timeOf(members.get('timestamp'))]
  if (reportId === 'MALFORMED' || reportedAt === 'MALFORMED') return 'MALFORMED'
  if ([reportId, reportedAt, orderId].includes('UNCLEAR')) return 'UNCLEAR'
  return { reportId, orderId, ticker: ticker.value.toUpperCase(), kind: kind.value, cumulative, reportedAt }
}
