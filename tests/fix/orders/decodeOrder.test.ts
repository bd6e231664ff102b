// Proves: a NewOrderSingle asks for what the body of HTTP asks for, term by term; whatever is wrong with it is said by tag; nothing in it is dropped.

import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { orderTypes, sides, timesInForce } from '../../../src/domain/terms.ts'
import { decodeOrder, type OrderFault } from '../../../src/fix/orders/decodeOrder.ts'
import { decodePlaceOrder } from '../../../src/http/orders/decode.ts'
import { amount } from '../../support/builders.ts'
import { userId } from '../../support/orderBody.ts'
import { randomStream, type Random } from '../../support/random.ts'
import { newOrder, options, session, type Fields } from './someSession.ts'

const termsOf = (fields: Fields, changes: Parameters<typeof options>[0] = {}) => {
  const decoded = decodeOrder(newOrder(fields), options(changes))
  if (!decoded.ok) throw new Error(decoded.faults.map(({ text }) => text).join('; '))
  return decoded.terms
}
const faultsOf = (fields: Fields, changes: Parameters<typeof options>[0] = {}): readonly OrderFault[] => {
  const decoded = decodeOrder(newOrder(fields), options(changes))
  return decoded.ok ? [] : decoded.faults
}

test('the plain order', () => {
  expect(termsOf({})).toEqual({
    userId,
    clientOrderId: 'X',
    ticker: 'AAPL',
    side: 'BUY',
    type: 'LIMIT',
    timeInForce: 'GTC',
    quantity: amount('100'),
    price: amount('150.5'),
    stopPrice: null,
    displayQuantity: null,
    postOnly: null,
    expiresAt: null,
  })
})

describe('each code of', () => {
  test('Side', () => {
    const words = { 1: 'BUY', 2: 'SELL' } as Record<string, string>
    for (const code of '123456789ABCDEFG') {
      const word = words[code]
      if (word === undefined)
        expect(faultsOf({ 54: code })).toEqual([
          { kind: 'unsupported', tag: 54, text: '54 (Side) must be 1 (BUY), 2 (SELL)' },
        ])
      else expect(termsOf({ 54: code })).toMatchObject({ side: word })
    }
  })

  test('OrdType', () => {
    const words: Record<string, [string, Fields]> = {
      1: ['MARKET', { 44: null }],
      2: ['LIMIT', {}],
      3: ['STOP', { 44: null, 99: '5' }],
      4: ['STOP_LIMIT', { 99: '5' }],
    }
    for (const code of '123456789DEGIJKLMP') {
      const row = words[code]
      if (row === undefined) expect(faultsOf({ 40: code })).toMatchObject([{ kind: 'unsupported', tag: 40 }])
      else expect(termsOf({ 40: code, ...row[1] })).toMatchObject({ type: row[0] })
    }
  })

  test('TimeInForce; absent it means DAY', () => {
    const words: Record<string, [string, Fields]> = {
      0: ['DAY', {}],
      1: ['GTC', {}],
      3: ['IOC', {}],
      4: ['FOK', {}],
      6: ['GTD', { 126: '20260131-21:00:00' }],
    }
    for (const code of '01234567') {
      const row = words[code]
      if (row === undefined) expect(faultsOf({ 59: code })).toMatchObject([{ kind: 'unsupported', tag: 59 }])
      else expect(termsOf({ 59: code, ...row[1] })).toMatchObject({ timeInForce: row[0] })
    }
    expect(termsOf({ 59: null })).toMatchObject({ timeInForce: 'DAY' })
  })

  test('ExecInst', () => {
    expect(termsOf({ 18: '6' })).toMatchObject({ postOnly: true })
    for (const text of ['1', 'G', '6 G', 'G 6', '', '66', '6  6'])
      expect(faultsOf({ 18: text })).toMatchObject([{ kind: 'unsupported', tag: 18 }])
  })
})

describe('decimals', () => {
  test.each([
    ['100', '100'],
    ['100.', '100'],
    ['.5', '0.5'],
    ['007.50', '7.5'],
    ['0.00000001', '0.00000001'],
    ['999999999999.99999999', '999999999999.99999999'],
    ['1.0000000000000', '1'],
  ])('%s', (text, plain) => {
    expect(termsOf({ 38: text })).toMatchObject({ quantity: amount(plain) })
  })

  test.each(['1e5', '1E5', '+1', '', '.', '1.2.3', ' 1', '1 ', '0x1', '1,5', '٣', 'NaN', '-1e5'])(
    '%j is none',
    (text) => {
      expect(faultsOf({ 38: text })).toEqual([
        {
          kind: 'incorrectQuantity',
          tag: 38,
          text: '38 (OrderQty) must be a decimal > 0 with at most 12 integer and 8 fraction digits, without an exponent',
        },
      ])
    },
  )

  test.each([
    ['0', 'must be greater than 0'],
    ['000.000', 'must be greater than 0'],
    ['-5', 'must be greater than 0'],
    ['1000000000000', 'has more than 12 integer digits'],
    ['0.000000001', 'has more than 8 fraction digits'],
  ])('%s', (text, detail) => {
    expect(faultsOf({ 38: text })).toMatchObject([{ kind: 'incorrectQuantity', text: `38 (OrderQty) ${detail}` }])
    expect(faultsOf({ 44: text })).toMatchObject([{ kind: 'other', text: `44 (Price) ${detail}` }])
  })

  test('of a hostile length are refused at once', () => {
    const begun = performance.now()
    for (const text of ['0'.repeat(60_000) + 'x', '1'.repeat(60_000), `.${'0'.repeat(60_000)}`, '-'.repeat(60_000)])
      expect(faultsOf({ 38: text })).toHaveLength(1)
    expect(performance.now() - begun).toBeLessThan(1_000)
  })
})

describe('the end of a GTD order', () => {
  test.each<[Fields, string]>([
    [{ 126: '20260131-21:00:00' }, '2026-01-31T21:00:00.000Z'],
    [{ 126: '20260131-21:00:00.123' }, '2026-01-31T21:00:00.123Z'],
    [{ 126: '20260131-21:00:00.123456789012' }, '2026-01-31T21:00:00.123Z'],
    // The close of that date in New York, in winter, in summer, and an early one.
    [{ 432: '20260130' }, '2026-01-30T21:00:00.000Z'],
    [{ 432: '20260730' }, '2026-07-30T20:00:00.000Z'],
    [{ 432: '20261224' }, '2026-12-24T18:00:00.000Z'],
  ])('%j', (fields, expiresAt) => {
    expect(termsOf({ 59: '6', ...fields })).toMatchObject({ timeInForce: 'GTD', expiresAt })
  })

  test.each<[Fields, OrderFault['kind'], string]>([
    [{ 59: '6' }, 'missing', '126 (ExpireTime) is required for GTD (or 432 (ExpireDate) instead)'],
    [
      { 59: '6', 126: '20260131-21:00:00', 432: '20260131' },
      'other',
      '126 (ExpireTime) and 432 (ExpireDate) exclude each other: send one of them',
    ],
    [{ 59: '1', 126: '20260131-21:00:00' }, 'unsupported', '126 (ExpireTime) is forbidden for GTC'],
    [{ 59: '0', 432: '20260130' }, 'unsupported', '432 (ExpireDate) is forbidden for DAY'],
    [{ 59: null, 432: '20260130' }, 'unsupported', '432 (ExpireDate) is forbidden for DAY'],
    [{ 59: '6', 126: '20260230-21:00:00' }, 'other', '126 (ExpireTime) must be a time in UTC'],
    [{ 59: '6', 126: '2026-01-31T21:00:00Z' }, 'other', '126 (ExpireTime) must be a time in UTC'],
    [{ 59: '6', 432: '20260131' }, 'other', '432 (ExpireDate) must be a date such as 20260131 on which a session'],
    [{ 59: '6', 432: '20261225' }, 'other', '432 (ExpireDate) must be a date'],
    [{ 59: '6', 432: '20260230' }, 'other', '432 (ExpireDate) must be a date'],
    [{ 59: '6', 432: '19000102' }, 'other', '432 (ExpireDate) must be a date'],
  ])('%j is refused', (fields, kind, text) => {
    const faults = faultsOf(fields)
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatchObject({ kind })
    expect(faults[0]!.text).toStartWith(text)
  })
})

describe('the user', () => {
  const other = 'b0b00000-0000-4000-8000-000000000002'
  const accounts = new Map([['ACC', other]])
  test('is the one of the session, or that of the account', () => {
    expect(termsOf({}, { session: session({ accounts }) }).userId).toBe(userId)
    expect(termsOf({ 1: 'ACC' }, { session: session({ accounts }) }).userId).toBe(other)
  })
  test('is refused where the account is unknown, and asked for where there is none', () => {
    expect(faultsOf({ 1: other })).toEqual([
      { kind: 'unknownAccount', tag: 1, text: '1 (Account) must be an account of this session' },
    ])
    expect(faultsOf({}, { session: session({ user: null, accounts }) })).toEqual([
      { kind: 'missing', tag: 1, text: '1 (Account) is required' },
    ])
  })
})

describe('the key', () => {
  const daily = { session: session({ idsPerDay: true }) }
  test('is the ClOrdID, with the date where ids are those of a day', () => {
    expect(termsOf({ 11: 'A b' }).clientOrderId).toBe('A b')
    expect(termsOf({ 11: 'A b' }, daily).clientOrderId).toBe('20260102:A b')
  })
  test('has 64 characters at most, of which the date takes nine', () => {
    expect(termsOf({ 11: 'x'.repeat(64) }).clientOrderId).toHaveLength(64)
    expect(termsOf({ 11: 'x'.repeat(55) }, daily).clientOrderId).toHaveLength(64)
    expect(faultsOf({ 11: 'x'.repeat(65) })[0]!.text).toBe('11 (ClOrdID) must be 1 to 64 printable ASCII characters')
    expect(faultsOf({ 11: 'x'.repeat(56) }, daily)[0]!.text).toContain('1 to 55')
    for (const text of ['é', '', 'a\tb']) expect(faultsOf({ 11: text })).toMatchObject([{ kind: 'other', tag: 11 }])
    expect(faultsOf({ 11: null })).toMatchObject([{ kind: 'missing', tag: 11 }])
  })
})

describe('nothing is dropped', () => {
  test.each([
    [110, '5'],
    [152, '1000'],
    [168, '20260131-21:00:00'],
    [211, '1'],
    [388, '0'],
    [114, 'Y'],
    [78, '1'],
    [9999, 'x'],
  ])('%i is refused', (tag, value) => {
    const text = expect.stringContaining(`${tag} is not supported: leave it out`) as string
    expect(faultsOf({ [tag]: value })).toEqual([{ kind: 'unsupported', tag, text }])
  })
  test('what the service does anyway may be said', () => {
    expect(faultsOf({ 21: '1', 63: '0', 423: '2', 854: '0', 15: 'USD', 58: 'hello', 207: 'XNAS', 528: 'A' })).toEqual(
      [],
    )
    expect(faultsOf({ 21: '3' })).toMatchObject([{ text: '21 (HandlInst) must be 1 or 2, or be left out' }])
    expect(faultsOf({ 63: '2', 423: '1', 854: '1' }).map(({ tag }) => tag)).toEqual([63, 423, 854])
  })
})

test('the handbook lists every tag that changes nothing', async () => {
  const page = await Bun.file(join(import.meta.dir, '../../../src/handbook/fix.md')).text()
  const [, listed = ''] = /^\| ([\d ]+) \| read by nobody/m.exec(page) ?? []
  const ofTerms = [1, 11, 18, 38, 40, 44, 54, 55, 59, 99, 111, 126, 432, 21, 63, 423, 854]
  const accepted = Array.from({ length: 1_200 }, (_, n) => n + 1).filter(
    (tag) => !ofTerms.includes(tag) && faultsOf({ [tag]: 'x' }).length === 0,
  )
  expect(listed).toBe(accepted.join(' '))
})

// The same order, said to both doors: each either yields the same terms, or refuses.

const sideCode = { BUY: '1', SELL: '2' }
const typeCode = { MARKET: '1', LIMIT: '2', STOP: '3', STOP_LIMIT: '4' }
const timeInForceCode = { DAY: '0', GTC: '1', IOC: '3', FOK: '4', GTD: '6' }
type Asked = {
  side: keyof typeof sideCode
  type: keyof typeof typeCode
  timeInForce: keyof typeof timeInForceCode
  ticker: string
  quantity: string
  price: string | null
  stopPrice: string | null
  displayQuantity: string | null
  postOnly: boolean
  expiresAt: string | null
}

const bothDoors = (asked: Asked) => {
  const { postOnly, ...members } = asked
  const http = decodePlaceOrder(
    JSON.stringify({ userId, clientOrderId: 'X', ...members, ...(postOnly && { postOnly }) }),
    { key: null, unknownFields: 'refuse', callerId: null, amountDigits: options().digits },
  )
  const fix = decodeOrder(
    newOrder({
      54: sideCode[asked.side],
      40: typeCode[asked.type],
      59: timeInForceCode[asked.timeInForce],
      55: asked.ticker,
      38: asked.quantity,
      44: asked.price,
      99: asked.stopPrice,
      111: asked.displayQuantity,
      18: postOnly ? '6' : null,
      126: asked.expiresAt === null ? null : asked.expiresAt.replaceAll('-', '').replace('T', '-').replace('Z', ''),
    }),
    options(),
  )
  return { http: http.ok ? http.value.terms : null, fix: fix.ok ? fix.terms : null }
}

const flags = [true, false]

test('every combination of terms: both doors yield the same, or both refuse', () => {
  let lawful = 0
  let all = 0
  for (const type of orderTypes)
    for (const timeInForce of timesInForce)
      for (const side of sides)
        for (const price of flags)
          for (const stopPrice of flags)
            for (const displayQuantity of flags)
              for (const postOnly of flags)
                for (const expiresAt of flags) {
                  const asked: Asked = {
                    side,
                    type,
                    timeInForce,
                    ticker: 'brk.b',
                    quantity: '100',
                    price: price ? '150.5' : null,
                    stopPrice: stopPrice ? '149' : null,
                    displayQuantity: displayQuantity ? '10' : null,
                    postOnly,
                    expiresAt: expiresAt ? '2026-01-31T21:00:00.250Z' : null,
                  }
                  const { http, fix } = bothDoors(asked)
                  expect({ asked, terms: fix }).toEqual({ asked, terms: http })
                  all++
                  if (fix !== null) lawful++
                }
  // 3 × 4 + 2 of LIMIT, 5 of MARKET, 3 of STOP, 3 × 2 of STOP_LIMIT, for each side.
  expect({ all, lawful }).toEqual({ all: 1280, lawful: 56 })
})

const someAmount = (random: Random): string => {
  const digits = (count: number) => Array.from({ length: count }, () => random.below(10)).join('')
  const integer = random.chance(0.2) ? '0' : `${random.int(1, 9)}${digits(random.below(13))}`
  return random.chance(0.5) ? integer : `${integer}.${digits(random.int(1, 10))}`
}

test.each([1, 2, 3, 4])('values drawn with the seed %i: both doors yield the same, or both refuse', (seed) => {
  const random = randomStream(seed, 'both doors')
  const outcomes = { same: 0, refused: 0 }
  for (let n = 0; n < 2_000; n++) {
    const type = random.pick(orderTypes)
    const timeInForce = random.pick(timesInForce)
    // Mostly what the type takes, so that most orders fail by their values alone.
    const takes = (usual: boolean): boolean => (random.chance(0.9) ? usual : !usual)
    const asked: Asked = {
      side: random.pick(sides),
      type,
      timeInForce,
      ticker: random.pick(['AAPL', 'btc/usd', '^GSPC', 'A B', 'x'.repeat(17), '', 'É', 'A,B', 'EUR=X']),
      quantity: someAmount(random),
      price: takes(type === 'LIMIT' || type === 'STOP_LIMIT') ? someAmount(random) : null,
      stopPrice: takes(type === 'STOP' || type === 'STOP_LIMIT') ? someAmount(random) : null,
      displayQuantity: random.chance(0.1) ? someAmount(random) : null,
      postOnly: random.chance(0.1),
      expiresAt: takes(timeInForce === 'GTD')
        ? random.pick([
            '2026-01-31T21:00:00Z',
            '2026-02-30T21:00:00Z',
            '2026-01-31T25:00:00Z',
            '2026-12-31T23:59:59.999Z',
          ])
        : null,
    }
    const { http, fix } = bothDoors(asked)
    expect({ asked, terms: fix }).toEqual({ asked, terms: http })
    outcomes[fix === null ? 'refused' : 'same']++
  }
  expect(outcomes.same).toBeGreaterThan(100)
  expect(outcomes.refused).toBeGreaterThan(100)
})
