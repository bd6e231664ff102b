// FIX's codes for what the domain says in words, each table complete or it does not compile.

import type { HistoryKind } from '../../domain/history.ts'
import type { Status } from '../../domain/order.ts'
import type { OrderType, Side, TimeInForce } from '../../domain/terms.ts'

/** Side (54). */
export const sideCodes = { BUY: '1', SELL: '2' } as const satisfies Record<Side, string>

/** OrdType (40). */
export const typeCodes = { MARKET: '1', LIMIT: '2', STOP: '3', STOP_LIMIT: '4' } as const satisfies Record<
  OrderType,
  string
>

/** TimeInForce (59). Absent means DAY. */
export const timeInForceCodes = { DAY: '0', GTC: '1', IOC: '3', FOK: '4', GTD: '6' } as const satisfies Record<
  TimeInForce,
  string
>

/** OrdStatus (39). */
export const statusCodes = {
  NEW: '0',
  PARTIALLY_FILLED: '1',
  FILLED: '2',
  CANCELED: '4',
  REJECTED: '8',
  EXPIRED: 'C',
} as const satisfies Record<Status, string>

/** ExecType (150) of an event of the log. */
export const execTypes = {
  ACCEPTED: '0',
  REJECTED: '8',
  TRIGGERED: 'L',
  FILLED: 'F',
  CANCELED: '4',
  EXPIRED: 'C',
} as const satisfies Record<HistoryKind, string>

/** ExecType of a status report. */
export const orderStatusType = 'I'

/** ExecInst (18): participate, do not initiate. */
export const postOnlyCode = '6'

/** OrdRejReason (103). */
export const ordRejReasons = {
  unknownSymbol: 1,
  exchangeClosed: 2,
  exceedsLimit: 3,
  duplicate: 6,
  unsupported: 11,
  incorrectQuantity: 13,
  unknownAccount: 15,
  other: 99,
} as const
export type OrdRejReason = keyof typeof ordRejReasons

/** The reason why a rule of business or the engine refused an order. A code that is not here is `other`; the code itself stands in Text (58). */
const rejReasonsByCode: Readonly<Record<string, OrdRejReason>> = {
  HALTED: 'exchangeClosed',
  UNKNOWN_TICKER: 'unknownSymbol',
  TICK_SIZE: 'exceedsLimit',
  QUANTITY_LIMIT: 'exceedsLimit',
  NOTIONAL_LIMIT: 'exceedsLimit',
  PRICE_BAND: 'exceedsLimit',
  LOT_SIZE: 'incorrectQuantity',
  NOT_SUPPORTED_BY_ENGINE: 'unsupported',
}
export const ordRejReasonOf = (code: string): OrdRejReason =>
  Object.hasOwn(rejReasonsByCode, code) ? rejReasonsByCode[code]! : 'other'

/** CxlRejReason (102). */
export const cxlRejReasons = { tooLate: 0, unknownOrder: 1, brokerOption: 2, duplicate: 6, other: 99 } as const
export type CxlRejReason = keyof typeof cxlRejReasons

/** ExecRestatementReason (378): why an order was canceled that its owner did not cancel through its session. */
const restatementReasons: Readonly<Record<string, number>> = {
  HALT: 6,
  CANCEL_AFTER: 7,
  ENGINE_CANCELED: 8,
  ENGINE_EXPIRED: 8,
  // What the market could not fill of an order that may not rest.
  REMAINDER: 8,
}
const otherRestatement = 99
export const restatementReasonOf = (code: string | undefined): number =>
  code !== undefined && Object.hasOwn(restatementReasons, code) ? restatementReasons[code]! : otherRestatement

/** BusinessRejectReason (380). */
export const businessRejectReasons = {
  unsupportedMessage: 3,
  notAvailable: 4,
  fieldMissing: 5,
  notAuthorized: 6,
} as const
export type BusinessRejectReason = keyof typeof businessRejectReasons

/** MassCancelRequestType (530) that is served, and MassCancelRejectReason (532) of those that are not. */
export const massCancelOfTicker = '1'
export const massCancelOfAll = '7'
export const massCancelRejectReasons = { notSupported: 0, unknownSecurity: 1, other: 99 } as const

/** The word of a code; undefined: none of ours has it. */
export const wordOf = <W extends string>(codes: Readonly<Record<W, string>>, code: string): W | undefined =>
  (Object.keys(codes) as W[]).find((word) => codes[word] === code)
