// Proves: whatever legs come, in whatever batches, an order is never over-filled, a replay changes nothing, and the judgements
// are those of a naive model that follows the contract literally.

import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { foldLegs } from '../../src/domain/fold.ts'
import type { Judgement, Leg, LegContent, TradeRecord } from '../../src/domain/leg.ts'
import { decide, isFinal, type Order, type OrderEvent, type Status } from '../../src/domain/order.ts'
import { amount } from '../support/builders.ts'
import { anyLegs, anyOrder, legFor, newOrder, placedAt } from './arbitraries.ts'

const now = new Date(placedAt.getTime() + 1_000)
const runs = { numRuns: 1_500 }
type Records = Map<string, TradeRecord>

const statusAfter = (status: Status, event: OrderEvent): Status => {
  const decision = decide(status, event)
  return decision.ok ? decision.next : status
}

/** What the tables hold after these judgements: the ledger's rows, and exceptions once by content. */
const stored = (records: Records, legs: readonly Leg[], judgements: readonly Judgement[]): Records => {
  const next = new Map(records)
  judgements.forEach((judgement, i) => {
    const { tradeId } = legs[i]!
    const record = next.get(tradeId) ?? { ledger: null, exceptions: [] }
    if ('order' in judgement) next.set(tradeId, { ...record, ledger: judgement.content })
    else if (
      'content' in judgement &&
      !record.exceptions.some((content) => textOf(content) === textOf(judgement.content))
    )
      next.set(tradeId, { ...record, exceptions: [...record.exceptions, judgement.content] })
  })
  return next
}

const textOf = ({ side, ticker, quantity, price }: LegContent): string => [side, ticker, quantity, price].join(' ')

const fold = (order: Order | undefined, legs: readonly Leg[], records: Records = new Map()) => {
  const folded = foldLegs(order, legs, records, now)
  return { ...folded, records: stored(records, legs, folded.judgements) }
}

const dispositionsOf = (judgements: readonly Judgement[]) => judgements.map((judgement) => judgement.disposition)

/** The contract, word by word, on plain lists: no code of src/domain. */
const naive = (order: Order, legs: readonly Leg[]): { dispositions: string[]; filled: bigint } => {
  const ledger: string[][] = []
  const exceptions: string[][] = []
  let filled = order.filledQuantity
  const judge = (leg: Leg): string => {
    const content = textOf({ ...leg, side: leg.side ?? order.side })
    const isSame = ([trade, other]: string[]) => trade === leg.tradeId && other === content
    const except = (disposition: string) => {
      exceptions.push([leg.tradeId, content])
      return disposition
    }
    const foreign = leg.ticker !== order.ticker || (leg.side ?? order.side) !== order.side
    if (foreign || order.status === 'REJECTED' || leg.sharesOrder) return except('MISMATCH')
    if (ledger.some(isSame) || exceptions.some(isSame)) return 'DUPLICATE'
    if (ledger.some(([trade]) => trade === leg.tradeId)) return except('CONFLICT')
    if (filled + leg.quantity > order.quantity) return except('OVERFILL')
    filled += leg.quantity
    ledger.push([leg.tradeId, content])
    return order.status === 'CANCELED' || order.status === 'EXPIRED' ? 'LATE' : 'APPLIED'
  }
  return { dispositions: legs.map(judge), filled }
}

describe('given an order and any legs', () => {
  test('it is never over-filled, and its state says what happened to it', () => {
    fc.assert(
      fc.property(anyOrder, anyLegs, (before, legs) => {
        const { order, judgements } = fold(before, legs)
        const applied = judgements.flatMap((judgement) => ('order' in judgement ? [judgement.content] : []))
        const sum = applied.reduce((total, { quantity }) => total + quantity, 0n)
        expect(order!.filledQuantity).toBe(sum)
        expect(sum <= before.quantity).toBeTrue()
        expect(order!.filledNotional).toBe(applied.reduce((total, { quantity, price }) => total + quantity * price, 0n))
        expect(order!.lastFillPrice).toBe(applied.at(-1)?.price ?? null)
        expect(order!.version).toBe(before.version + applied.length)
      }),
      runs,
    )
  })

  test('every leg is judged as the contract says', () => {
    fc.assert(
      fc.property(anyOrder, anyLegs, (order, legs) => {
        const folded = fold(order, legs)
        const expected = naive(order, legs)
        expect(dispositionsOf(folded.judgements) as string[]).toEqual(expected.dispositions)
        expect(folded.order!.filledQuantity).toBe(expected.filled)
      }),
      runs,
    )
  })

  test('the properties above meet every disposition', () => {
    const met = new Set<string>()
    for (const [order, legs] of fc.sample(fc.tuple(anyOrder, anyLegs), { numRuns: 500, seed: 1 }))
      for (const disposition of dispositionsOf(fold(order, legs).judgements)) met.add(disposition)
    expect([...met].toSorted()).toEqual(['APPLIED', 'CONFLICT', 'DUPLICATE', 'LATE', 'MISMATCH', 'OVERFILL'])
  })

  test('the status follows the table step by step and never leaves a final one', () => {
    fc.assert(
      fc.property(anyOrder, anyLegs, (before, legs) => {
        let { status } = before
        for (const judgement of fold(before, legs).judgements) {
          if (!('order' in judgement)) continue
          const full = judgement.order.filledQuantity === before.quantity
          expect(judgement.order.status).toBe(statusAfter(status, full ? 'complete' : 'fill'))
          status = judgement.order.status
        }
      }),
      runs,
    )
  })

  test('a cancel, a rejection or an expiry between batches is final, whatever comes after it', () => {
    const event = fc.constantFrom('cancel', 'reject', 'expire')
    fc.assert(
      fc.property(anyLegs, event, anyLegs, (early, happens, after) => {
        const first = fold(newOrder({ quantity: amount('3') }), early)
        const status = statusAfter(first.order!.status, happens)
        const final = isFinal(status)
        const second = fold({ ...first.order!, status }, after, first.records)
        if (final) expect(second.order!.status).toBe(status)
        expect(second.order!.filledQuantity <= second.order!.quantity).toBeTrue()
      }),
      runs,
    )
  })
})

describe('however a stream of legs is cut into batches', () => {
  test('the judgements, the order and the records are the same', () => {
    const cuts = fc.array(fc.nat(24), { maxLength: 5 })
    fc.assert(
      fc.property(anyOrder, anyLegs, cuts, (order, legs, at) => {
        const whole = fold(order, legs)
        const bounds = [0, ...at.map((cut) => Math.min(cut, legs.length)).toSorted((a, b) => a - b), legs.length]
        let pieces = { order: order as Order | undefined, judgements: [] as Judgement[], records: new Map() as Records }
        for (let i = 1; i < bounds.length; i++) {
          const piece = fold(pieces.order, legs.slice(bounds[i - 1], bounds[i]), pieces.records)
          pieces = { ...piece, judgements: [...pieces.judgements, ...piece.judgements] }
        }
        expect(pieces.judgements).toEqual(whole.judgements)
        expect(pieces.order).toEqual(whole.order)
        expect(pieces.records).toEqual(whole.records)
      }),
      runs,
    )
  })

  test('a replay of any part changes nothing: no amount, no ledger row, no exception', () => {
    fc.assert(
      fc.property(anyOrder, anyLegs, fc.nat(24), fc.nat(24), (order, legs, from, length) => {
        const once = fold(order, legs)
        const again = fold(once.order, legs.slice(from, from + length), once.records)
        expect(again.order).toEqual(once.order)
        expect([...again.records]).toEqual([...once.records])
        for (const disposition of dispositionsOf(again.judgements))
          expect(['DUPLICATE', 'MISMATCH']).toContain(disposition)
      }),
      runs,
    )
  })

  test('the records that were passed in are not changed', () => {
    const records: Records = new Map([['T-1', { ledger: null, exceptions: [] }]])
    foldLegs(newOrder(), [legFor(newOrder()), legFor(newOrder(), { tradeId: 'T-2' })], records, now)
    expect([...records]).toEqual([['T-1', { ledger: null, exceptions: [] }]])
  })
})

describe('within one batch', () => {
  const order = newOrder()
  const leg = legFor(order, { quantity: amount('60') })

  test('a trade told twice is applied once', () => {
    expect(dispositionsOf(fold(order, [leg, leg]).judgements)).toEqual(['APPLIED', 'DUPLICATE'])
  })

  test('the second of two that do not fit together overfills, and a smaller third still fits', () => {
    const legs = [leg, { ...leg, tradeId: 'T-2' }, { ...leg, tradeId: 'T-3', quantity: amount('40') }]
    const { order: after, judgements } = fold(order, legs)
    expect(dispositionsOf(judgements)).toEqual(['APPLIED', 'OVERFILL', 'APPLIED'])
    expect(after).toMatchObject({ status: 'FILLED', version: 2 })
  })

  test('an overfill told again is a duplicate; corrected, it is judged afresh; then its first content stays a duplicate', () => {
    const tooMuch = { ...leg, quantity: amount('101') }
    const corrected = { ...leg, quantity: amount('99') }
    expect(dispositionsOf(fold(order, [tooMuch, tooMuch, corrected, tooMuch, corrected]).judgements)).toEqual([
      'OVERFILL',
      'DUPLICATE',
      'APPLIED',
      'DUPLICATE',
      'DUPLICATE',
    ])
  })

  test('the first content stands, a second is a conflict once and a duplicate after that', () => {
    const second = { ...leg, price: amount('1') }
    const { order: after, judgements } = fold(order, [leg, second, second])
    expect(dispositionsOf(judgements)).toEqual(['APPLIED', 'CONFLICT', 'DUPLICATE'])
    expect(after!.lastFillPrice).toBe(amount('150'))
  })

  test('the last price is that of the last leg applied, not of the last leg', () => {
    const legs = [
      leg,
      { ...leg, tradeId: 'T-2', quantity: amount('1'), price: amount('7') },
      { ...leg, tradeId: 'T-3' },
    ]
    expect(fold(order, legs).order!.lastFillPrice).toBe(amount('7'))
  })

  test('legs of no order of ours are unknown, every time', () => {
    expect(fold(undefined, [leg, leg])).toMatchObject({
      order: undefined,
      judgements: [{ disposition: 'UNKNOWN_ORDER' }, { disposition: 'UNKNOWN_ORDER' }],
    })
  })
})
