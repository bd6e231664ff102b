// A session, a calendar and messages with sensible defaults: a test says only what it is about.

import { amountDigits } from '../../../src/domain/decimal.ts'
import { weekdays, type Calendar } from '../../../src/domain/session.ts'
import type { DecodeOptions } from '../../../src/fix/orders/decodeOrder.ts'
import { valuesOf, type Field, type Message, type Received } from '../../../src/fix/orders/fields.ts'
import { usersWith, type OrderSession } from '../../../src/fix/orders/session.ts'
import { userId } from '../../support/orderBody.ts'

export const now = new Date('2026-01-02T03:04:05.678Z')
export const answering = { answerId: 'answer-1', now }

export const session = (changes: Partial<Omit<OrderSession, 'users'>> = {}): OrderSession => {
  const parts = {
    id: 'desk',
    user: userId,
    accounts: new Map<string, string>(),
    scopes: new Set(['orders:read', 'orders:write'] as const),
    reports: 'own' as const,
    idsPerDay: false,
    ...changes,
  }
  return { ...parts, users: usersWith(parts) }
}

const calendar: Calendar = {
  close: '16:00',
  timeZone: 'America/New_York',
  days: weekdays.filter((day) => day !== 'SAT' && day !== 'SUN'),
  holidays: new Map([
    ['2026-12-25', null],
    ['2026-12-24', '13:00'],
  ]),
}

export const options = (changes: Partial<DecodeOptions> = {}): DecodeOptions => ({
  session: session(),
  day: '20260102',
  calendar,
  digits: amountDigits,
  ...changes,
})

/** Fields by tag; null leaves one out. */
export type Fields = Readonly<Record<number, string | null>>

export const received = (type: string, fields: Fields, more: Partial<Received> = {}): Received => ({
  type,
  number: 7,
  possResend: false,
  body: Object.entries(fields).flatMap(([tag, value]): Field[] => (value === null ? [] : [[Number(tag), value]])),
  ...more,
})

/** Buy 100 AAPL, limit 150.5, good till canceled. */
const plainFields: Fields = {
  11: 'X',
  55: 'AAPL',
  54: '1',
  38: '100',
  40: '2',
  44: '150.5',
  59: '1',
  60: '20260102-03:04:05.678',
}

export const newOrder = (fields: Fields = {}, more: Partial<Received> = {}): Received =>
  received('D', { ...plainFields, ...fields }, more)

/** Type and fields of a message as one object. */
export const shown = ({ type, body }: Message): Record<string, string> => ({
  35: type,
  ...Object.fromEntries(valuesOf(body)),
})
