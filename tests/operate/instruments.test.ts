// Proves: `orders instruments` shows limits and halts, changes only the limits that are named, says what it changes before it does, and
// shows who changed what.

import { describe, expect, test } from 'bun:test'
import { json, lines, problem, runWith, type Sent } from './desk.ts'

const who = ['--by', 'ops@desk', '--note', 'new tick']
const author = { by: 'ops@desk', note: 'new tick' }
const limits = {
  tickSize: 0.01,
  lotSize: null,
  quantityMin: 1,
  quantityMax: null,
  notionalMax: '1000000.00000001',
  referencePrice: null,
  priceBandPercent: null,
}
const instrument = { ticker: 'AAPL', state: 'HALTED', ...limits, by: 'eve', note: 'first day', epoch: 3 }
const since = '2026-11-26T20:00:40.136Z'
const halt = { state: 'HALTED', since, by: 'ops@desk', note: 'fat finger' }
const none = { state: 'ACTIVE', since: null, by: null, note: null }
const trading = {
  ...none,
  since,
  limits: { ...limits, quantityMin: null, notionalMax: 5000 },
  halted: [
    { ticker: 'AAPL', ...halt },
    { ticker: 'GME', ...halt },
  ],
  haltedCount: 2,
  epoch: 7,
}
const changed = {
  epoch: 8,
  ticker: 'AAPL',
  what: 'LISTED',
  before: { listed: true, limits },
  after: { listed: true, limits: { ...limits, lotSize: 10 } },
}
const page = (...instruments: object[]) => json(200, { instruments, nextCursor: null })
const service =
  (...instruments: object[]) =>
  ({ method, path }: Sent) => {
    if (method !== 'GET') return json(200, changed)
    return path.startsWith('/trading') ? json(200, trading) : page(...instruments)
  }

describe('shows', () => {
  test('each instrument with its state and limits, the halted ones that are not listed, and what holds for all', async () => {
    const msft = { ...instrument, ticker: 'MSFT', state: 'ACTIVE' }
    const { code, out, requests } = await runWith(service(instrument, msft), ['instruments'])
    expect(code).toBe(0)
    expect(requests.map(({ path }) => path)).toEqual(['/instruments?limit=500', '/trading'])
    expect(out.split('\n').map((line) => line.replace(/ +/g, ' '))).toEqual([
      `all trading: ACTIVE since ${since}`,
      'limits where a ticker has none: tickSize 0.01, notionalMax 5000',
      'TICKER STATE TICK MIN NOTIONAL MAX HALTED LIMITS BY',
      `AAPL HALTED 0.01 1 1000000.00000001 since ${since} by ops@desk: fat finger eve: first day`,
      'MSFT ACTIVE 0.01 1 1000000.00000001 eve: first day',
      `GME HALTED since ${since} by ops@desk: fat finger`,
      '',
    ])
  })

  test('that more are halted than the service shows', async () => {
    const script = ({ path }: Sent) =>
      path.startsWith('/trading') ? json(200, { ...trading, haltedCount: 1_002 }) : page()
    const { out } = await runWith(script, ['instruments'])
    expect(out).toContain('1000 more tickers are halted than are shown\n')
  })

  test('one ticker; a 404 says that it is not listed', async () => {
    const script = ({ path }: Sent) =>
      path.startsWith('/trading')
        ? json(200, { ticker: 'GME', ...halt, all: { ...none, state: 'HALTED' }, epoch: 7 })
        : problem(404, 'NOT_FOUND', 'not listed')
    const { code, out, requests } = await runWith(script, ['instruments', 'gme'])
    expect(requests.map(({ path }) => path)).toEqual(['/instruments?ticker=GME&limit=500', '/trading?ticker=GME'])
    expect(code).toBe(0)
    expect(out.split('\n').map((line) => line.replace(/ +/g, ' '))).toEqual([
      'all trading: HALTED',
      'TICKER STATE HALTED',
      `GME HALTED since ${since} by ops@desk: fat finger`,
      '',
    ])
  })

  test('--json: both answers', async () => {
    const { out } = await runWith(service(instrument), ['instruments', '--json'])
    expect(lines(out)).toEqual([{ trading, instruments: [instrument] }])
  })
})

describe('set', () => {
  const put = (requests: readonly Sent[]) =>
    requests.filter(({ method }) => method !== 'GET').map(({ method, path, json: body }) => [method, path, body])

  test('limits that are not named stay, exact to the last digit; none ends one', async () => {
    const line = ['instruments', 'set', 'aapl', '--tick', '0.05', '--min', 'none', '--lot', '10', ...who]
    const { code, out, err, requests } = await runWith(service(instrument), line)
    expect(code).toBe(0)
    expect(out).toBe('done: AAPL: limits.lotSize none → 10 (change 8)\n')
    expect(err).toBe('orders instruments set: tickSize 0.01 → 0.05, lotSize none → 10, quantityMin 1 → none\n')
    expect(put(requests)).toEqual([
      [
        'PUT',
        '/instruments?ticker=AAPL',
        { tickSize: '0.05', lotSize: '10', notionalMax: '1000000.00000001', ...author },
      ],
    ])
  })

  test('--replace keeps none', async () => {
    const { err, requests } = await runWith(service(instrument), [
      'instruments',
      'set',
      'AAPL',
      '--max',
      '5',
      '--replace',
      ...who,
    ])
    expect(put(requests)).toEqual([['PUT', '/instruments?ticker=AAPL', { quantityMax: '5', ...author }]])
    expect(err).toContain('tickSize 0.01 → none')
  })

  test('a ticker that is not listed is listed', async () => {
    const { err, requests } = await runWith(service(), ['instruments', 'set', 'NEW', ...who])
    expect(put(requests)).toEqual([['PUT', '/instruments?ticker=NEW', author]])
    expect(err).toContain('it is listed')
  })

  test('every limit has its flag', async () => {
    const flags = {
      tick: 'tickSize',
      lot: 'lotSize',
      min: 'quantityMin',
      max: 'quantityMax',
      'notional-max': 'notionalMax',
      reference: 'referencePrice',
      'band-percent': 'priceBandPercent',
    }
    const words = Object.keys(flags).flatMap((flag, i) => [`--${flag}`, String(i + 1)])
    const { requests } = await runWith(service(), ['instruments', 'set', 'NEW', ...words, ...who])
    const all = Object.fromEntries(Object.values(flags).map((name, i) => [name, String(i + 1)]))
    expect(put(requests)).toEqual([['PUT', '/instruments?ticker=NEW', { ...all, ...author }]])
  })

  test('defaults are those of trading', async () => {
    const { code, err, requests } = await runWith(service(), ['instruments', 'defaults', '--lot', '1', ...who])
    expect({ code, err }).toEqual({ code: 0, err: 'orders instruments defaults: lotSize none → 1\n' })
    expect(put(requests)).toEqual([
      ['PUT', '/trading', { limits: { tickSize: '0.01', lotSize: '1', notionalMax: '5000' }, ...author }],
    ])
  })

  test('what cannot be read is not replaced', async () => {
    const { code, err, requests } = await runWith(
      () => problem(403, 'FORBIDDEN', 'no'),
      ['instruments', 'set', 'AAPL', '--tick', '1', ...who],
    )
    expect({ code, err }).toEqual({
      code: 1,
      err: 'orders instruments set: this credential may not read the rules: no\n',
    })
    expect(put(requests)).toEqual([])
  })

  const slips = [
    [['set', '--tick', '1', ...who], 'the ticker must be 1 to 16'],
    [['set', 'AAPL', '--tick', 'small', ...who], '--tick must be a plain decimal'],
    [['set', 'AAPL', '--tick', '1'], '--by is required'],
    [['defaults', ...who], 'a limit is required'],
    [['defaults', 'AAPL', '--tick', '1', ...who], '"AAPL" is too much'],
    [['delist', ...who], 'the ticker must be 1 to 16'],
    [['AAPL', 'MSFT'], '"MSFT" is too much'],
    [['changes', 'AAPL'], '"AAPL" is too much'],
  ] as const
  test.each(slips)('%j is refused: %s', async (words, fault) => {
    const { code, err, requests } = await runWith(service(), ['instruments', ...words])
    expect({ code, sent: requests.length }).toEqual({ code: 2, sent: 0 })
    expect(err).toContain(fault)
  })
})

test('delist', async () => {
  const delisted = { ...changed, what: 'DELISTED', before: { listed: true }, after: { listed: false } }
  const { code, out, requests } = await runWith(() => json(200, delisted), ['instruments', 'delist', 'AAPL', ...who])
  expect({ code, out }).toEqual({ code: 0, out: 'done: AAPL: listed true → false (change 8)\n' })
  expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'DELETE /instruments?ticker=AAPL&by=ops%40desk&note=new+tick',
  ])
  const missing = await runWith(
    () => problem(404, 'NOT_FOUND', 'AAPL is not listed'),
    ['instruments', 'delist', 'AAPL', ...who],
  )
  expect(missing).toMatchObject({ code: 1, err: 'orders instruments delist: AAPL is not listed\n' })
})

test('changes: who, when, why, before and after', async () => {
  const change = (members: object) => ({
    epoch: 7,
    at: '2026-11-26T20:00:40.136Z',
    by: 'ops@desk',
    note: 'why',
    subject: null,
    requestId: 'r',
    ...members,
  })
  const all = [
    change({
      what: 'TRADING',
      ticker: 'AAPL',
      before: { since: null, state: 'ACTIVE' },
      after: { since: '2026-11-26T20:00:40.136Z', state: 'HALTED' },
    }),
    change({
      epoch: 6,
      what: 'LISTED',
      ticker: 'GME',
      before: { listed: false, tickSize: null },
      after: { listed: true, tickSize: 0.01 },
    }),
    change({
      epoch: 5,
      what: 'TRADING',
      ticker: null,
      before: { limits: { lotSize: null } },
      after: { limits: { lotSize: 1 } },
    }),
  ]
  const script = () => json(200, { changes: all, nextCursor: 'c1' })
  const { code, out, err, requests } = await runWith(script, ['instruments', 'changes', '--limit', '3'])
  expect(requests[0]!.path).toBe('/rules/changes?limit=3')
  expect({ code, err }).toEqual({
    code: 0,
    err: 'orders instruments changes: there are more: --limit, or --cursor c1\n',
  })
  expect(out.split('\n').map((line) => line.replace(/ +/g, ' ').trim())).toEqual([
    'EPOCH AT WHAT TICKER BY NOTE CHANGE',
    '7 2026-11-26T20:00:40.136Z TRADING AAPL ops@desk why state ACTIVE → HALTED, since none → 2026-11-26T20:00:40.136Z',
    '6 2026-11-26T20:00:40.136Z LISTED GME ops@desk why listed false → true, tickSize none → 0.01',
    '5 2026-11-26T20:00:40.136Z TRADING all ops@desk why limits.lotSize none → 1',
    '',
  ])
  const asJson = await runWith(script, ['instruments', 'changes', '--json', '--limit', '3'])
  expect(lines(asJson.out)).toEqual(all)
})
