// Proves: what the terms of an order may be. Every rule is said for every door, and nothing that breaks one is ever accepted.

import { describe, expect, test } from 'bun:test'
import { InvariantBroken } from '../../src/domain/assert.ts'
import { acceptOrder } from '../../src/domain/order.ts'
import { canonicalText, termsFaults, type TermsDraft } from '../../src/domain/termFaults.ts'
import {
  completeTerms,
  differingTerms,
  terms as table,
  type OrderTerms,
  type TermName,
  type TextTerm,
} from '../../src/domain/terms.ts'
import { orderId, placedAt, terms } from './arbitraries.ts'

const faultsOf = (changed: Partial<TermsDraft>, digits?: Parameters<typeof termsFaults>[1]) =>
  termsFaults({ ...terms, ...changed }, digits).map(({ term, code, detail }) => `${term} ${code}: ${detail}`)

test('the table has the terms of the contract, in the order of its bodies', () => {
  expect(table.map(({ name }) => name)).toEqual([
    'userId',
    'clientOrderId',
    'ticker',
    'side',
    'type',
    'timeInForce',
    'quantity',
    'price',
    'stopPrice',
    'displayQuantity',
    'postOnly',
    'expiresAt',
  ])
})

describe('lawful terms', () => {
  test.each<Partial<OrderTerms>>([
    {},
    { clientOrderId: ' ~' },
    { type: 'MARKET', price: null },
    { quantity: 1n, price: 10n ** 20n - 1n },
    { type: 'STOP', price: null, stopPrice: 1n },
    { type: 'STOP_LIMIT', stopPrice: 1n, displayQuantity: 1n, timeInForce: 'DAY' },
    { displayQuantity: terms.quantity - 1n, postOnly: true },
    { timeInForce: 'GTD', expiresAt: '2026-02-01T00:00:00.000Z' },
    { timeInForce: 'FOK' },
  ])('%p have no fault', (changed) => {
    expect(faultsOf(changed)).toEqual([])
  })
})

describe('a fault is named for', () => {
  test.each<[Partial<Record<TermName, unknown>>, string]>([
    [{ userId: null }, 'userId REQUIRED: is required'],
    [{ userId: terms.userId.toUpperCase() }, 'userId MALFORMED: must be a UUID'],
    [{ clientOrderId: '' }, 'clientOrderId MALFORMED: must be 1 to 64 printable ASCII characters'],
    [{ ticker: 'aapl' }, 'ticker MALFORMED: must be 1 to 16'],
    [{ side: 'HOLD' }, 'side MALFORMED: must be one of BUY, SELL'],
    [{ type: 'toString' }, 'type MALFORMED: must be one of LIMIT, MARKET'],
    [{ quantity: 0n }, 'quantity MALFORMED: must be greater than 0'],
    [{ quantity: 10n ** 20n }, 'quantity MALFORMED: has more than 12 integer digits'],
    [{ quantity: 1 }, 'quantity MALFORMED: must be a decimal'],
    [{ price: null }, 'price REQUIRED: is required for LIMIT'],
    [{ type: 'MARKET' }, 'price FORBIDDEN: is forbidden for MARKET'],
    [{ type: 'STOP', price: null }, 'stopPrice REQUIRED: is required for STOP'],
    [{ stopPrice: 1n }, 'stopPrice FORBIDDEN: is forbidden for LIMIT'],
    [{ type: 'STOP_LIMIT', stopPrice: 1n, postOnly: true }, 'postOnly FORBIDDEN: is forbidden for STOP_LIMIT'],
    [{ timeInForce: 'GTD' }, 'expiresAt REQUIRED: is required for GTD'],
    [{ expiresAt: '2026-02-01T00:00:00.000Z' }, 'expiresAt FORBIDDEN: is forbidden for GTC'],
    [{ timeInForce: 'DAY', expiresAt: '2026-02-01T00:00:00.000Z' }, 'expiresAt FORBIDDEN: is forbidden for DAY'],
    [{ timeInForce: 'IOC', displayQuantity: 1n }, 'displayQuantity FORBIDDEN: is forbidden for IOC'],
    [{ timeInForce: 'FOK', postOnly: true }, 'postOnly FORBIDDEN: is forbidden for FOK'],
    [{ timeInForce: 'FOK', type: 'STOP', price: null, stopPrice: 1n }, 'stopPrice FORBIDDEN: is forbidden for FOK'],
    [{ displayQuantity: terms.quantity }, 'displayQuantity MALFORMED: must be less than quantity'],
    [{ postOnly: false }, 'postOnly MALFORMED: must be true or false'],
    [{ timeInForce: 'GTD', expiresAt: '2026-02-01T00:00:00Z' }, 'expiresAt MALFORMED: must be an instant'],
    [{ timeInForce: 'GTD', expiresAt: '2026-02-30T00:00:00.000Z' }, 'expiresAt MALFORMED: must be an instant'],
  ])('%p', (changed, fault) => {
    const faults = faultsOf(changed as Partial<TermsDraft>)
    expect(faults).toHaveLength(1)
    expect(faults[0]).toStartWith(fault)
    expect(() => acceptOrder({ ...terms, ...changed } as OrderTerms, { id: orderId, now: placedAt })).toThrow(
      InvariantBroken,
    )
  })

  test('each of several', () => {
    expect(faultsOf({ userId: null, ticker: 'a', price: null })).toHaveLength(3)
  })
})

describe('what was given and could not be read', () => {
  test('has been said already', () => {
    expect(faultsOf({ userId: undefined, ticker: undefined, price: undefined })).toEqual([])
  })

  test('is there all the same, where it must not be', () => {
    expect(faultsOf({ type: 'MARKET', price: undefined })).toEqual(['price FORBIDDEN: is forbidden for MARKET'])
  })
})

describe('fewer digits than the columns hold', () => {
  const digits = { integer: 9, fraction: 2 }
  test.each<[bigint, string[]]>([
    [1_000_000n, []],
    [999_999_999_99n * 1_000_000n, []],
    [100_000n, ['quantity MALFORMED: has more than 2 fraction digits']],
    [1_000_000_000_00n * 1_000_000n, ['quantity MALFORMED: has more than 9 integer digits']],
  ])('let through and refuse: %p', (quantity, faults) => {
    expect(faultsOf({ quantity }, digits)).toEqual(faults)
  })
})

test('a canonical form is one that stays as it is', () => {
  const of = (name: TermName, text: string) => canonicalText(table.find((term) => term.name === name) as TextTerm, text)
  expect(of('ticker', 'brk.b')).toBe('BRK.B')
  expect(of('userId', terms.userId.toUpperCase())).toBe(terms.userId)
  expect(of('clientOrderId', 'Key')).toBe('Key')
  expect(of('side', 'buy')).toBeNull()
  expect(of('expiresAt', '2026-02-01t00:00:00.1239999+02:00')).toBe('2026-01-31T22:00:00.123Z')
  expect(of('expiresAt', '2026-02-30T00:00:00Z')).toBeNull()
  expect(of('expiresAt', '2026-02-01T00:00:00')).toBeNull()
})

test('terms of which nothing optional is given have none', () => {
  const { userId, ticker, side, type, timeInForce, quantity } = terms
  const required = { userId, ticker, side, type, timeInForce, quantity }
  expect(completeTerms(required)).toEqual({ ...terms, clientOrderId: null, price: null })
  expect(completeTerms(terms)).toEqual(terms)
})

test('a repetition may differ in nothing but its user and key, which are how it is found', () => {
  const other: OrderTerms = {
    userId: orderId,
    clientOrderId: 'other',
    ticker: 'MSFT',
    side: 'SELL',
    type: 'MARKET',
    timeInForce: 'IOC',
    quantity: 1n,
    price: null,
    stopPrice: 1n,
    displayQuantity: 1n,
    postOnly: true,
    expiresAt: '2026-01-02T00:00:00.000Z',
  }
  const gtd: OrderTerms = { ...terms, timeInForce: 'GTD', expiresAt: '2026-01-01T00:00:00.000Z' }
  const differing = table.map(({ name }) => differingTerms(gtd, { ...gtd, [name]: other[name] }))
  expect(differing).toEqual([
    [],
    [],
    ['ticker'],
    ['side'],
    ['type'],
    ['timeInForce'],
    ['quantity'],
    ['price'],
    ['stopPrice'],
    ['displayQuantity'],
    ['postOnly'],
    ['expiresAt'],
  ])
})

test('an end that was fixed at acceptance is none of the terms that a repetition repeats', () => {
  const day: OrderTerms = { ...terms, timeInForce: 'DAY' }
  expect(differingTerms({ ...day, expiresAt: '2026-01-01T00:00:00.000Z' }, day)).toEqual([])
})
