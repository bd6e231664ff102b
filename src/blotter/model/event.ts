// An event of an order's history as the page shows it.

import type { Side } from '../../domain/terms.ts'
import { numberText } from '../../wire/json.ts'
import { amountText } from './order.ts'

/** `price` and `quantity`: exact text. `late`: the order had ended when the trade came. */
type LifeFill = {
  readonly tradeId: string
  readonly side: Side
  readonly quantity: string
  readonly price: string
  readonly late: boolean
}

/** `kind` and `cause.kind` are open lists: what is not known is shown as it is. `at` null: from before there was a log. */
export type LifeEvent = {
  readonly version: number
  readonly kind: string
  readonly at: string | null
  readonly status: string
  readonly filledQuantity: string
  readonly remainingQuantity: string
  readonly fill: LifeFill | null
  readonly reason: { readonly code: string; readonly text: string | null } | null
  readonly cause: Readonly<Record<string, unknown>>
}

type Json = Record<string, unknown>

/** An event of `GET /orders/{id}/events`, from JSON that lost no digit. */
export const eventFromJson = (json: unknown): LifeEvent => {
  const { version, filledQuantity, remainingQuantity, fill, reason, ...others } = json as Json
  const leg = fill as Json | undefined
  return {
    ...(others as Pick<LifeEvent, 'kind' | 'at' | 'status' | 'cause'>),
    version: Number(numberText(version)),
    filledQuantity: amountText(filledQuantity) ?? '',
    remainingQuantity: amountText(remainingQuantity) ?? '',
    reason: (reason as LifeEvent['reason'] | undefined) ?? null,
    fill:
      leg === undefined
        ? null
        : ({ ...leg, quantity: amountText(leg['quantity']) ?? '', price: amountText(leg['price']) ?? '' } as LifeFill),
  }
}

const eventWords: Readonly<Record<string, string>> = {
  ACCEPTED: 'Accepted',
  TRIGGERED: 'Triggered',
  FILLED: 'Fill',
  CANCELED: 'Canceled',
  REJECTED: 'Rejected',
  EXPIRED: 'Expired',
}

const causeWords: Readonly<Record<string, string>> = {
  request: 'by request',
  grpc: 'by gRPC',
  fix: 'by FIX',
  trade: 'by a trade',
  trigger: 'by a trade',
  report: 'by the engine',
  expiry: 'by the clock',
  'mass-cancel': 'by a cancel of many',
  'cancel-after': 'by a switch',
  halt: 'by a halt',
  'before-log': 'cause unknown',
}

/** `Fill`; `Fill, late`. */
export const eventTitle = ({ kind, fill }: LifeEvent): string =>
  (eventWords[kind] ?? kind) + (fill?.late === true ? ', late' : '')

/** What brought it about, and every member that tells more: `by a trade · partition 3 · offset 41`. */
export const causeText = ({ cause: { kind, ...members } }: LifeEvent): string => {
  const details = Object.entries(members).map(([name, value]) => `${name} ${numberText(value) ?? String(value)}`)
  return [causeWords[String(kind)] ?? String(kind), ...details].join(' · ')
}
