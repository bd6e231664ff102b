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
const instrument = { ticker: 'AAPL', listed: true, ...limits, by: 'eve', note: 'first day' }
const trading = {
  state: 'ACTIVE',
  since: '2026-11-26T20:00:40.136Z',
  limits: { notionalMax: 5000 },
  tickers: [
    { ticker: 'AAPL', state: 'HALTED', by: 'ops@desk', note: 'fat finger' },
    { ticker: 'GME', state: 'HALTED', by: 'ops@desk', note: 'again' },
  ],
}
const page = (...instruments: object[]) => json(200, { instruments, nextCursor: null })
const service =
  (...instruments: object[]) =>
  ({ method, path }: Sent) => {
    if (method !== 'GET') return json(200, { ...instrument, changed: true })
    return path.startsWith('/trading') ? json(200, trading) : page(...instruments)
  }

describe('shows', () => {
  test('each instrument with its state and limits, the halted ones that are not listed, and what holds for all', async () => {
    const { code, out, requests } = await runWith(
      service(instrument, { ...instrument, ticker: 'MSFT', by: '', note: '' }),
      ['instruments'],
    )
    expect(code).toBe(0)
    expect(requests.map(({ path }) => path)).toEqual(['/instruments?limit=500', '/trading'])
    expect(out.split('\n').map((line) => line.replace(/ +/g, ' '))).toEqual([
      'trading: ACTIVE since 2026-11-26T20:00:40.136Z',
      'limits of tickers without their own: notionalMax 5000',
      'TICKER STATE TICK MIN NOTIONAL MAX SET BY',
      'AAPL HALTED 0.01 1 1000000.00000001 eve: first day',
      'MSFT ACTIVE 0.01 1 1000000.00000001',
      'GME HALTED ops@desk: again',
      '',
    ])
  })

  test('one ticker; a 404 says that it is not listed', async () => {
    const script = ({ path }: Sent) =>
      path.startsWith('/trading')
        ? json(200, { ticker: 'GME', state: 'HALTED' })
        : problem(404, 'NOT_FOUND', 'not listed')
    const { code, out, requests } = await runWith(script, ['instruments', 'gme'])
    expect(requests.map(({ path }) => path)).toEqual(['/instruments?ticker=GME&limit=500', '/trading?ticker=GME'])
    expect({ code, out }).toEqual({ code: 0, out: 'TICKER  STATE\nGME     HALTED\n' })
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
    expect(out).toBe('done: AAPL\n')
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
    expect(put(requests)).toEqual([['PUT', '/trading', { limits: { lotSize: '1', notionalMax: '5000' }, ...author }]])
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
  const { code, out, requests } = await runWith(service(), ['instruments', 'delist', 'AAPL', ...who])
  expect({ code, out }).toEqual({ code: 0, out: 'delisted: AAPL\n' })
  expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'DELETE /instruments?ticker=AAPL&by=ops%40desk&note=new+tick',
  ])
  const none = await runWith(
    () => problem(404, 'NOT_FOUND', 'AAPL is not listed'),
    ['instruments', 'delist', 'AAPL', ...who],
  )
  expect(none).toMatchObject({ code: 1, err: 'orders instruments delist: AAPL is not listed\n' })
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
      before: { state: 'ACTIVE', since: null },
      after: { state: 'HALTED', since: '2026-11-26T20:00:40.136Z' },
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
      ticker: '',
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
