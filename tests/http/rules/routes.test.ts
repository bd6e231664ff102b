// Proves: administrators list tickers with limits and halt trading over HTTP; each refusal code of the rules comes back with what is allowed, at
// this replica and at another, as soon as the change is answered; what was changed is listed with who, when and why; and what is no such change
// is refused whole.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { createRuleBook } from '../../../src/app/rules.ts'
import { createService, type Service } from '../../../src/app/service.ts'
import { usualRules } from '../../../src/app/submit.ts'
import { createApp } from '../../../src/http/server.ts'
import { newId } from '../../support/builders.ts'
import { servicePools } from '../../support/database.ts'
import {
  badRequest,
  callerOf,
  openHarness,
  orderBody,
  refusal,
  serverOptions,
  type Answer,
  type Harness,
} from '../harness.ts'

let harness: Harness
/** Another replica over the same database, which takes listed tickers only. */
let strict: Service
let callStrict: ReturnType<typeof callerOf>
beforeAll(async () => {
  harness = await openHarness({ service: () => ({ rules: { ...usualRules, rejectedPerMinuteMax: 1_000_000 } }) })
  const pools = servicePools(harness.database)
  strict = createService({
    pools,
    limits: { batchMax: 256, lanes: 2, queueMax: 100, deadlineMs: 30_000 },
    accepting: () => true,
    onCommitted: () => undefined,
    onBug: (error) => harness.bugs.push(error),
    log: harness.log.log,
    now: () => new Date(),
    newId,
    expiresAt: () => null,
    ruleBook: createRuleBook({ db: pools.gets, features: new Set(), mode: 'listed' }),
  })
  callStrict = callerOf(createApp(serverOptions({ service: strict })))
})
afterAll(async () => {
  expect(harness.bugs).toEqual([])
  strict.close()
  await harness.close()
})

const who = { by: 'ops@desk', note: 'a test' }
let ticker = ''
let tickers = 0
beforeEach(() => void (ticker = `T${++tickers}/A+B`))

const query = (of = ticker): string => `ticker=${encodeURIComponent(of)}`
const put = (path: string, body: object) => harness.call('PUT', path, { body: { ...who, ...body } })
const list = (limits: object = {}) => put(`/instruments?${query()}`, limits)
const delist = (parameters = 'by=ops&note=merged') =>
  harness.call('DELETE', `/instruments?${query()}${parameters === '' ? '' : `&${parameters}`}`)
const trading = (state: string, more: object = {}) => put(`/trading?${query()}`, { state, ...more })
const tradingOfAll = (body: object) => put('/trading', body)
/** The members that these tests read of answers. */
type Fields = Record<string, unknown> & {
  epoch: number
  instruments: { ticker: string; state: string }[]
  changes: { epoch: number }[]
  halted: unknown[]
  nextCursor: string | null
}
const get = async (path: string) => {
  const answer = await harness.call('GET', path)
  expect(answer.status).toBe(200)
  return JSON.parse(answer.text) as Fields
}
const ok = async (answer: Promise<Answer>) => {
  const { status, text } = await answer
  expect({ status, text }).toMatchObject({ status: 200 })
  return JSON.parse(text) as Fields
}
const place = (terms: object = {}, call = harness.call) =>
  call('POST', '/orders', { body: { ...orderBody, ticker, ...terms } })
/** The code and the text of the rule that refuses an order. */
const refusalOf = async (answer: Promise<Answer>): Promise<[string, string]> => {
  const { status, text } = await answer
  const problem = JSON.parse(text) as { code: string; detail: string; reason: { code: string; text: string } }
  expect([status, problem.code]).toEqual([422, 'ORDER_REJECTED'])
  return [problem.reason.code, problem.reason.text]
}
const market = { type: 'MARKET', price: undefined }

describe('an order is refused with', () => {
  test('HALTED, here and elsewhere, from the answer of the halt to that of the resumption', async () => {
    expect((await place()).status).toBe(202)
    await ok(trading('HALTED'))
    const halted = ['HALTED', `trading in ${ticker} is halted`] as [string, string]
    expect(await refusalOf(place())).toEqual(halted)
    expect(await refusalOf(place({}, callStrict))).toEqual(halted)
    await ok(trading('ACTIVE'))
    expect((await place()).status).toBe(202)
    await ok(tradingOfAll({ state: 'HALTED' }))
    expect(await refusalOf(place())).toEqual(['HALTED', 'trading is halted'])
    expect(await refusalOf(place({}, callStrict))).toEqual(['HALTED', 'trading is halted'])
    await ok(tradingOfAll({ state: 'ACTIVE' }))
    expect((await place()).status).toBe(202)
  })

  test('UNKNOWN_TICKER where only listed tickers are taken, until it is listed and after it is delisted', async () => {
    expect(await refusalOf(place({}, callStrict))).toEqual(['UNKNOWN_TICKER', `${ticker} is not listed`])
    await ok(list())
    expect((await place({}, callStrict)).status).toBe(202)
    await ok(delist())
    expect(await refusalOf(place({}, callStrict))).toEqual(['UNKNOWN_TICKER', `${ticker} is not listed`])
    expect((await place()).status).toBe(202)
  })

  const cases: [string, object, object, string][] = [
    ['TICK_SIZE', { tickSize: 0.05 }, { price: 150.51 }, 'the price must be a multiple of 0.05'],
    ['LOT_SIZE', { lotSize: '30' }, {}, 'the quantity must be a multiple of 30'],
    ['QUANTITY_LIMIT', { quantityMax: 9 }, { quantity: 10 }, 'the quantity must be at most 9'],
    ['QUANTITY_LIMIT', { quantityMin: 11 }, { quantity: 10 }, 'the quantity must be at least 11'],
    ['NOTIONAL_LIMIT', { notionalMax: 99.5 }, { quantity: 10, price: 10 }, 'quantity times price must be at most 99.5'],
    [
      'NOTIONAL_LIMIT',
      { notionalMax: 99, referencePrice: 10 },
      { ...market, quantity: 10 },
      'quantity times the reference price 10 must be at most 99',
    ],
    [
      'PRICE_BAND',
      { referencePrice: 100, priceBandPercent: 2.5 },
      { price: 102.51 },
      'the price must be from 97.5 to 102.5, within 2.5 percent of the reference price 100',
    ],
  ]
  for (const [code, limits, terms, text] of cases)
    test(`${code}: ${text}`, async () => {
      await ok(list(limits))
      expect(await refusalOf(place(terms))).toEqual([code, text])
      expect(await refusalOf(place(terms, callStrict))).toEqual([code, text])
    })

  test('the limit of all where the ticker has none of its own', async () => {
    await ok(tradingOfAll({ limits: { tickSize: 5, lotSize: 7 } }))
    await ok(list({ tickSize: 0.5 }))
    expect(await refusalOf(place({ quantity: 8 }))).toEqual(['LOT_SIZE', 'the quantity must be a multiple of 7'])
    expect((await place({ quantity: 7, price: 1.5 })).status).toBe(202)
    expect((await get('/trading'))['limits']).toMatchObject({ tickSize: 5, lotSize: 7, notionalMax: null })
    await ok(tradingOfAll({ limits: {} }))
    expect((await get('/trading'))['limits']).toMatchObject({ tickSize: null, lotSize: null })
  })

  test('a key that it uses: its repetition answers the refusal though trading was resumed', async () => {
    await ok(trading('HALTED'))
    const body = { body: { ...orderBody, ticker, clientOrderId: 'once' } }
    expect((await refusalOf(harness.call('POST', '/orders', body)))[0]).toBe('HALTED')
    await ok(trading('ACTIVE'))
    expect((await refusalOf(harness.call('POST', '/orders', body)))[0]).toBe('HALTED')
  })
})

describe('while trading is halted', () => {
  test('cancels pass', async () => {
    const [first, second] = [await harness.place({ ticker }), await harness.place({ ticker })]
    await ok(trading('HALTED'))
    expect((await harness.call('POST', `/orders/${first.id}/cancel`)).status).toBe(200)
    expect((await harness.call('DELETE', `/orders/${second.id}`)).status).toBe(200)
  })

  test('a halt with cancelOpen writes the sweep of what was open, with who began it', async () => {
    await harness.place({ ticker })
    const change = await ok(trading('HALTED', { cancelOpen: true }))
    expect(change['after']).toMatchObject({ state: 'HALTED', cancelOpen: true })
    const [sweep] = await harness.database.sql`select * from cancel_sweeps where ticker = ${ticker}`
    expect(sweep).toMatchObject({ reason_code: 'HALT', user_id: null, side: null, cause: { kind: 'halt' } })
    const [seen] = await harness.database.sql<{ seen: boolean }[]>`
      select bool_and(pg_visible_in_snapshot(o.xact, s.snapshot)) as seen from orders o, cancel_sweeps s
      where o.ticker = ${ticker} and s.ticker = ${ticker}`
    expect(seen!.seen).toBe(true)
    await ok(tradingOfAll({ state: 'HALTED', cancelOpen: true }))
    const all = await harness.database.sql`select from cancel_sweeps where ticker is null`
    expect(all.length).toBe(1)
    await ok(tradingOfAll({ state: 'ACTIVE' }))
  })
})

describe('what is in force', () => {
  test('of a ticker: its limits with every digit, its state, and who changed it', async () => {
    await ok(
      harness.call('PUT', `/instruments?${query()}`, {
        body: '{"by":"ops@desk","note":"a test","tickSize":0.00000001,"notionalMax":999999999999.12345678}',
      }),
    )
    const answer = await harness.call('GET', `/instruments?${query()}`)
    expect(answer.text).toContain('"tickSize":0.00000001')
    expect(answer.text).toContain('"notionalMax":999999999999.12345678')
    expect(JSON.parse(answer.text)['instruments']).toMatchObject([{ ticker, state: 'ACTIVE', lotSize: null, ...who }])
    await ok(trading('HALTED'))
    expect((await get(`/instruments?${query()}`))['instruments'][0]!.state).toBe('HALTED')
    const own = await get(`/trading?${query()}`)
    expect(own).toMatchObject({ ticker, state: 'HALTED', ...who, all: { state: 'ACTIVE' } })
    const all = await get('/trading')
    expect(all['halted']).toContainEqual({
      ticker,
      state: 'HALTED',
      since: own['since'],
      changedAt: own['changedAt'],
      ...who,
    })
    expect(all['haltedCount']).toBe(all['halted'].length)
  })

  test('of a ticker that nobody changed: it trades, and is not listed', async () => {
    const never = { since: null, changedAt: null, by: null, note: null }
    expect(await get(`/trading?${query()}`)).toMatchObject({ ticker, state: 'ACTIVE', ...never })
    expect((await harness.call('GET', `/instruments?${query()}`)).status).toBe(404)
    expect((await delist()).status).toBe(404)
  })

  test('is listed page by page', async () => {
    const names = ['A', 'B', 'C'].map((one) => `PAGE.${one}`)
    for (const name of names) await ok(put(`/instruments?ticker=${name}`, {}))
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await get(`/instruments?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)
      seen.push(...page['instruments'].map((one: { ticker: string }) => one.ticker))
      cursor = page['nextCursor']
    }
    expect(seen.filter((name) => name.startsWith('PAGE.'))).toEqual(names)
    expect(seen).toEqual(seen.toSorted())
  })
})

test('every change is listed, newest first, with who, when, why, before and after', async () => {
  const changes = [await ok(list({ lotSize: 7 })), await ok(trading('HALTED')), await ok(delist('by=kim&note=merged'))]
  const page = await get('/rules/changes?limit=3')
  expect(page['changes']).toEqual(changes.toReversed())
  expect(page['changes']).toMatchObject([
    {
      what: 'DELISTED',
      ticker,
      by: 'kim',
      note: 'merged',
      subject: null,
      before: { listed: true, limits: { lotSize: 7 } },
    },
    { what: 'TRADING', before: { state: 'ACTIVE', since: null }, after: { state: 'HALTED' } },
    { what: 'LISTED', before: { listed: false }, after: { listed: true, limits: { lotSize: 7, tickSize: null } } },
  ])
  const next = await get(`/rules/changes?limit=1&cursor=${page['nextCursor']}`)
  expect(next['changes'][0]!.epoch).toBe(changes[0]!['epoch'] - 1)
})

describe('refused whole', () => {
  const long = 'x'.repeat(2_001)
  const bodies: [string, string, object | string, string][] = [
    ['instruments', 'no limit', { ...who, tickSize: 0 }, '/tickSize'],
    ['instruments', 'a limit that is no amount', { ...who, lotSize: 'many' }, '/lotSize'],
    ['instruments', 'a limit with nine fraction digits', { ...who, lotSize: '0.000000001' }, '/lotSize'],
    ['instruments', 'a least quantity above the greatest', { ...who, quantityMin: 2, quantityMax: 1 }, '/quantityMin'],
    ['instruments', 'a member that is not known', { ...who, ticksize: 1 }, '/ticksize'],
    ['instruments', 'a state', { ...who, state: 'HALTED' }, '/state'],
    ['instruments', 'nobody', { note: 'n' }, '/by'],
    ['instruments', 'no reason', { by: 'ops', note: '' }, '/note'],
    ['instruments', 'a reason that is too long', { by: 'ops', note: long }, '/note'],
    ['instruments', 'a member twice', '{"by":"a","note":"n","lotSize":1,"lotSize":2}', '/lotSize'],
    ['trading', 'no state', who, '/state'],
    ['trading', 'a state that is none', { ...who, state: 'PAUSED' }, '/state'],
    ['trading', 'limits of a ticker', { ...who, limits: {} }, '/limits'],
    ['trading', 'cancelOpen without a halt', { ...who, state: 'ACTIVE', cancelOpen: true }, '/cancelOpen'],
    ['trading', 'cancelOpen that is no flag', { ...who, state: 'HALTED', cancelOpen: 'yes' }, '/cancelOpen'],
  ]
  for (const [path, what, body, pointer] of bodies)
    test(`at /${path}: ${what}`, async () => {
      const before = await harness.database.sql`select epoch from rules_gate`
      const answer = await harness.call('PUT', `/${path}?${query()}`, { body })
      expect(refusal(answer)).toEqual(badRequest(pointer))
      expect([...(await harness.database.sql`select epoch from rules_gate`)]).toEqual([...before])
    })

  for (const [what, limits, pointer] of [
    ['that are no object', '[]', '/limits'],
    ['with a member that is not known', '{"tick":1}', '/limits/tick'],
    ['with a limit that is none', '{"tickSize":-1}', '/limits/tickSize'],
    ['with a member twice', '{"tickSize":1,"tickSize":2}', '/tickSize'],
  ] as const)
    test(`limits of all ${what}`, async () => {
      const body = `{"by":"ops","note":"n","limits":${limits}}`
      expect(refusal(await harness.call('PUT', '/trading', { body }))).toEqual(badRequest(pointer))
    })

  for (const [method, path, pointer] of [
    ['PUT', '/instruments', '?ticker'],
    ['PUT', '/instruments?ticker=a%20b', '?ticker'],
    ['PUT', '/instruments?ticker=A&ticker=B', '?ticker'],
    ['PUT', '/trading?ticker=', '?ticker'],
    ['PUT', '/trading?tickers=A', '?tickers'],
    ['DELETE', '/instruments?ticker=A&by=ops', '?note'],
    ['DELETE', '/instruments?by=ops&note=n', '?ticker'],
    ['GET', '/instruments?limit=0', '?limit'],
    ['GET', '/instruments?cursor=nonsense', '?cursor'],
    ['GET', '/trading?state=HALTED', '?state'],
    ['GET', '/rules/changes?limit=501', '?limit'],
    ['GET', '/rules/changes?ticker=A', '?ticker'],
  ] as const)
    test(`${method} ${path}`, async () => {
      const body = method === 'PUT' ? { body: { ...who, state: 'HALTED' } } : {}
      expect(refusal(await harness.call(method, path, body))).toEqual(badRequest(pointer))
    })
})

test('a change that orders under way hold up for too long is a 503, and nothing is changed', async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const { promise: passed, resolve: pass } = Promise.withResolvers<void>()
  const holder = harness.database.sql.begin(async (own) => {
    await own`select from rules_gate where false for share`
    pass()
    await released
  })
  await passed
  const answer = await trading('HALTED')
  expect(answer.status).toBe(503)
  release()
  await holder
  expect((await place()).status).toBe(202)
})
