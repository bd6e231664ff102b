// Proves: the rules of business refuse exactly what they forbid, in the order of the contract, and say what is allowed instead.

import { describe, expect, test } from 'bun:test'
import { formatAmount } from '../../src/domain/decimal.ts'
import type { Reason } from '../../src/domain/reason.ts'
import { refusalBy, type Limits } from '../../src/domain/rules.ts'
import type { OrderTerms } from '../../src/domain/terms.ts'
import { amount, someTerms } from '../support/builders.ts'
import { createRandom } from '../support/random.ts'
import { someLimits, someRules } from '../support/someRules.ts'

type Texts = Partial<Record<keyof Limits, string>>
/** Judges an order of AAPL by limits of its own. */
const judge = (limits: Texts, terms: Partial<OrderTerms> = {}): Reason | null =>
  refusalBy(someRules({ tickers: { AAPL: { limits: someLimits(limits) } } }), someTerms(terms))

const market = { type: 'MARKET', price: null } as const
const stop = (stopPrice: string) => ({ type: 'STOP', price: null, stopPrice: amount(stopPrice) }) as const
const stopLimit = (stopPrice: string, price: string) =>
  ({ type: 'STOP_LIMIT', price: amount(price), stopPrice: amount(stopPrice) }) as const

describe('trading', () => {
  test('of all, or of a ticker, is halted', () => {
    expect(refusalBy(someRules({ state: 'HALTED' }), someTerms())).toEqual({
      code: 'HALTED',
      text: 'trading is halted',
    })
    const rules = someRules({ tickers: { AAPL: { state: 'HALTED' } } })
    expect(refusalBy(rules, someTerms())).toEqual({ code: 'HALTED', text: 'trading in AAPL is halted' })
    expect(refusalBy(rules, someTerms({ ticker: 'MSFT' }))).toBeNull()
  })

  test('takes tickers that are not listed, unless only those are taken that are', () => {
    const tickers = { AAPL: { listed: true }, MSFT: {} }
    const of = (mode: 'open' | 'listed', ticker: string) =>
      refusalBy(someRules({ mode, tickers }), someTerms({ ticker }))
    for (const ticker of ['AAPL', 'MSFT', 'IBM']) expect(of('open', ticker)).toBeNull()
    expect(of('listed', 'AAPL')).toBeNull()
    for (const ticker of ['MSFT', 'IBM'])
      expect(of('listed', ticker)).toEqual({ code: 'UNKNOWN_TICKER', text: `${ticker} is not listed` })
  })
})

describe('a limit', () => {
  const cases: [Texts, Partial<OrderTerms>, Reason | null][] = [
    [{ tickSize: '0.05' }, { price: amount('150.5') }, null],
    [
      { tickSize: '0.05' },
      { price: amount('150.51') },
      { code: 'TICK_SIZE', text: 'the price must be a multiple of 0.05' },
    ],
    [{ tickSize: '0.05' }, stop('1.03'), { code: 'TICK_SIZE', text: 'the stopPrice must be a multiple of 0.05' }],
    [{ tickSize: '0.05' }, stopLimit('1.05', '1.1'), null],
    [{ tickSize: '0.05' }, market, null],
    [{ lotSize: '100' }, {}, null],
    [{ lotSize: '30' }, {}, { code: 'LOT_SIZE', text: 'the quantity must be a multiple of 30' }],
    [
      { lotSize: '10' },
      { displayQuantity: amount('15') },
      { code: 'LOT_SIZE', text: 'the displayQuantity must be a multiple of 10' },
    ],
    [{ quantityMin: '100', quantityMax: '100' }, {}, null],
    [
      { quantityMin: '100.00000001' },
      {},
      { code: 'QUANTITY_LIMIT', text: 'the quantity must be at least 100.00000001' },
    ],
    [{ quantityMax: '99.5' }, {}, { code: 'QUANTITY_LIMIT', text: 'the quantity must be at most 99.5' }],
    [{ notionalMax: '15050' }, {}, null],
    [
      { notionalMax: '15049.99999999' },
      {},
      { code: 'NOTIONAL_LIMIT', text: 'quantity times price must be at most 15049.99999999' },
    ],
    [
      { notionalMax: '999' },
      stop('10'),
      { code: 'NOTIONAL_LIMIT', text: 'quantity times stopPrice must be at most 999' },
    ],
    [{ notionalMax: '999' }, stopLimit('10', '9'), null],
    [{ notionalMax: '1' }, market, null],
    [
      { notionalMax: '1', referencePrice: '7' },
      market,
      { code: 'NOTIONAL_LIMIT', text: 'quantity times the reference price 7 must be at most 1' },
    ],
    [{ priceBandPercent: '1' }, {}, null],
    [{ priceBandPercent: '10', referencePrice: '140' }, { price: amount('154') }, null],
    [{ priceBandPercent: '10', referencePrice: '140' }, { price: amount('126') }, null],
    [
      { priceBandPercent: '10', referencePrice: '140' },
      { price: amount('154.00000001') },
      { code: 'PRICE_BAND', text: 'the price must be from 126 to 154, within 10 percent of the reference price 140' },
    ],
    [
      { priceBandPercent: '10', referencePrice: '140' },
      stop('125.99999999'),
      {
        code: 'PRICE_BAND',
        text: 'the stopPrice must be from 126 to 154, within 10 percent of the reference price 140',
      },
    ],
    [
      { priceBandPercent: '100', referencePrice: '1' },
      { price: amount('3') },
      { code: 'PRICE_BAND', text: 'the price must be at most 2, within 100 percent of the reference price 1' },
    ],
    [{ priceBandPercent: '10', referencePrice: '140' }, market, null],
  ]
  for (const [limits, terms, expected] of cases)
    test(`${JSON.stringify(limits)} of an order of ${terms.type ?? 'LIMIT'}: ${expected?.text ?? 'is kept'}`, () => {
      expect(judge(limits, terms)).toEqual(expected)
    })

  test('of the ticker comes before that of all; each where the ticker has none of its own', () => {
    const rules = someRules({
      limits: someLimits({ tickSize: '1', lotSize: '7' }),
      tickers: { AAPL: { limits: someLimits({ tickSize: '0.5' }) } },
    })
    expect(refusalBy(rules, someTerms({ quantity: amount('7') }))).toBeNull()
    expect(refusalBy(rules, someTerms({ ticker: 'MSFT', quantity: amount('7') }))?.code).toBe('TICK_SIZE')
    expect(refusalBy(rules, someTerms())?.code).toBe('LOT_SIZE')
  })
})

test('the first of several refusals, in the order of the contract, is the one that is given', () => {
  const limits: Texts = {
    tickSize: '7',
    lotSize: '7',
    quantityMin: '101',
    notionalMax: '1',
    referencePrice: '1',
    priceBandPercent: '1',
  }
  const rules = { mode: 'listed', state: 'HALTED', limits: someLimits(limits), features: new Set<never>() } as const
  const terms = someTerms({ postOnly: true })
  const codes: (string | undefined)[] = [refusalBy(someRules(rules), terms)?.code]
  const open = { ...rules, state: 'ACTIVE' } as const
  codes.push(refusalBy(someRules(open), terms)?.code)
  const listed = { ...open, tickers: { AAPL: { listed: true } } }
  const order = ['tickSize', 'lotSize', 'quantityMin', 'notionalMax', 'priceBandPercent', undefined] as const
  let rest = limits
  for (const name of order) {
    codes.push(refusalBy(someRules({ ...listed, limits: someLimits(rest) }), terms)?.code)
    if (name !== undefined) rest = { ...rest, [name]: undefined }
    rest = Object.fromEntries(Object.entries(rest).filter(([, text]) => text !== undefined))
  }
  expect(codes).toEqual([
    'HALTED',
    'UNKNOWN_TICKER',
    'TICK_SIZE',
    'LOT_SIZE',
    'QUANTITY_LIMIT',
    'NOTIONAL_LIMIT',
    'PRICE_BAND',
    'NOT_SUPPORTED_BY_ENGINE',
  ])
})

test('band, tick, lot and notional agree with exact fractions, whatever the digits', () => {
  const random = createRandom(16)
  const some = (digits: number) => amount(`${random.int(1, 300)}.${random.int(1, 10 ** digits - 1)}`)
  const seen = new Set<string>()
  for (let n = 0; n < 3_000; n++) {
    const [reference, band, price, quantity] = [some(8), some(6), some(8), some(8)]
    const limits = { ...someLimits(), referencePrice: reference, priceBandPercent: band, notionalMax: some(2) * 100n }
    const refusal = refusalBy(
      someRules({ tickers: { AAPL: { limits } } }),
      someTerms({ price, quantity: quantity === 0n ? 1n : quantity }),
    )
    // Everything times 10^16 × 100: |price − reference| × 100 ≤ reference × band.
    const distance = price > reference ? price - reference : reference - price
    const isOutside = distance * 100n * 10n ** 8n > reference * band
    const isTooMuch = quantity * price > limits.notionalMax * 10n ** 8n
    const expected = isTooMuch ? 'NOTIONAL_LIMIT' : isOutside ? 'PRICE_BAND' : undefined
    if (refusal?.code !== expected)
      throw new Error(`${formatAmount(price)} in ${formatAmount(reference)} ± ${formatAmount(band)}: ${refusal?.code}`)
    seen.add(String(expected))
  }
  expect(seen.size).toBe(3)
})
