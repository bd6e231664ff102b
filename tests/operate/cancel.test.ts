// Proves: `orders cancel` says of each order what became of it, asks before it cancels many, goes on while orders remain, and never says
// that all is canceled when it is not.

import { describe, expect, test } from 'bun:test'
import { json, lines, problem, runWith, type Sent } from './desk.ts'

const user = 'a11ce000-0000-4000-8000-000000000001'
const ids = [
  '01a21972-22c8-7629-9c2b-3d0639827f49',
  '01a21972-22c8-7629-9c2b-3d0639827f50',
  '01a21972-22c8-7629-9c2b-3d0639827f51',
]
const canceled = (id: string) =>
  json(200, {
    id,
    status: 'CANCELED',
    ticker: 'AAPL',
    side: 'BUY',
    quantity: 10,
    filledQuantity: 4,
    reason: { code: 'USER_CANCELED', text: null },
  })
const idOf = ({ path }: Sent): string => path.split('/')[2]!
const notNew = (status: string) => problem(409, 'CONFLICT', `it is ${status}`, { orderStatus: status })

describe('by id', () => {
  test('each is canceled: what remains of it', async () => {
    const { code, out, err, requests } = await runWith(
      (sent) => canceled(idOf(sent)),
      ['cancel', ids[0]!.toUpperCase(), ids[1]!, ids[0]!],
    )
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `DELETE /orders/${ids[0]}`,
      `DELETE /orders/${ids[1]}`,
    ])
    expect(out.split('\n')[1]).toMatch(new RegExp(`^${ids[0]}  canceled +CANCELED +AAPL +BUY +10 +4 +USER_CANCELED$`))
  })

  test('one that cannot be canceled does not keep the others from it', async () => {
    const script = (sent: Sent) => {
      if (idOf(sent) === ids[0]) return notNew('FILLED')
      return idOf(sent) === ids[1] ? problem(404, 'NOT_FOUND', 'there is no such order') : canceled(ids[2]!)
    }
    const { code, out, err } = await runWith(script, ['cancel', ...ids])
    expect(code).toBe(1)
    expect(out).toContain(`${ids[0]}  refused   FILLED`)
    expect(out).toContain(`${ids[2]}  canceled  CANCELED`)
    expect(err).toBe(
      `orders cancel: ${ids[0]}: refused: it is FILLED\norders cancel: ${ids[1]}: refused: there is no such order\n`,
    )
  })

  test('--only-new is the other call; a 409 after a lost answer says that it was done', async () => {
    const line = ['cancel', ids[0]!, '--only-new', '--json']
    const lost = await runWith((_, n) => (n === 0 ? 'lost' : notNew('CANCELED')), line)
    expect(lost.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(
      Array(2).fill(`POST /orders/${ids[0]}/cancel`),
    )
    expect(lost.code).toBe(0)
    expect(lines(lost.out)).toMatchObject([{ id: ids[0], outcome: 'canceled' }])
    const late = await runWith(() => notNew('CANCELED'), line)
    expect(late.code).toBe(1)
    expect(lines(late.out)).toMatchObject([{ id: ids[0], outcome: 'refused' }])
  })

  test('without an answer it is unknown; where nothing was done it says so', async () => {
    const lost = await runWith(() => 'lost', ['cancel', ids[0]!, '--json'])
    expect(lines(lost.out)).toEqual([{ id: ids[0], outcome: 'unknown', reason: 'the connection was lost' }])
    expect(lost.code).toBe(1)
    const busy = await runWith(() => problem(503, 'OVERLOADED', 'busy'), ['cancel', ids[0]!, '--json'])
    expect(lines(busy.out)).toMatchObject([{ outcome: 'not canceled' }])
  })
})

const open = (id: string, ticker = 'AAPL', userId = user) => ({ id, ticker, userId, status: 'NEW' })

describe('many', () => {
  const line = ['cancel', '--user', user, '--ticker', 'eur+usd', '--side', 'sell']
  const query = `userId=${user}&ticker=EUR%2BUSD&side=SELL`
  const list = json(200, { orders: [open('a'), open('b', 'MSFT')], nextCursor: null })
  const answer = (some: string[], remaining: boolean, notCanceled: object[] = []) =>
    json(200, { canceled: some, notCanceled, remaining })

  test('counts them and asks; "yes" cancels until none remains', async () => {
    const pages = [list, answer(['a'], true), answer(['b'], false, [{ id: 'c', orderStatus: 'FILLED' }])]
    const { code, out, questions, requests } = await runWith((_, n) => pages[n]!, line, { answer: true })
    expect(code).toBe(0)
    expect(questions).toEqual([`orders: cancels 2 open orders of 1 user in 2 tickers (SELL, user ${user}, EUR+USD)`])
    expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET /orders?${query}&status=open&limit=500`,
      `DELETE /orders?${query}`,
      `DELETE /orders?${query}`,
    ])
    expect(out).toBe('2 orders canceled, 1 ended before they could be\n  c FILLED\n')
  })

  test('any other word cancels nothing; without a terminal it needs --yes', async () => {
    const no = await runWith(() => list, line, { answer: false })
    expect(no).toMatchObject({ code: 1, out: '', err: 'orders cancel: nothing was done\n' })
    const nobody = await runWith(() => list, line)
    expect(nobody.code).toBe(2)
    expect(nobody.err).toContain('there is no terminal to ask at, so it needs --yes')
    for (const { requests } of [no, nobody]) expect(requests.map(({ method }) => method)).toEqual(['GET'])
  })

  test('--yes neither counts nor asks', async () => {
    const { code, questions, requests } = await runWith(() => answer([], false), [...line, '--yes'])
    expect({ code, questions, sent: requests.map(({ method }) => method) }).toEqual({
      code: 0,
      questions: [],
      sent: ['DELETE'],
    })
  })

  test('nothing open: nothing is asked; a list may have empty pages', async () => {
    const pages = [json(200, { orders: [], nextCursor: 'c1' }), json(200, { orders: [], nextCursor: null })]
    const { code, err, questions, requests } = await runWith((_, n) => pages[n]!, line)
    expect({ code, questions }).toEqual({ code: 0, questions: [] })
    expect(err).toContain('nothing to cancel')
    expect(requests[1]!.path).toEndWith('&limit=500&cursor=c1')
  })

  test('the count has an end', async () => {
    const many = json(200, { orders: Array.from({ length: 500 }, (_, i) => open(String(i))), nextCursor: 'more' })
    const { questions, requests } = await runWith(() => many, line, { answer: false })
    expect(questions[0]).toContain('cancels more than 10000 open orders')
    expect(requests).toHaveLength(20)
  })

  test('a service that breaks off half way: the totals so far, and that orders may remain', async () => {
    const { code, out, err } = await runWith(
      (_, n) => (n === 0 ? answer(['a', 'b'], true) : problem(403, 'FORBIDDEN', 'no')),
      [...line, '--yes'],
    )
    expect(code).toBe(1)
    expect(out).toStartWith('2 orders canceled')
    expect(err).toContain(
      'this credential may not cancel these orders: no. Orders may remain: give the same command again',
    )
  })

  test('what a lost answer canceled is not counted, and it says so', async () => {
    const script = (_: Sent, n: number) => (n === 0 ? ('lost' as const) : answer(['b'], false))
    const { code, out } = await runWith(script, [...line, '--yes'])
    expect({ code, out }).toEqual({ code: 0, out: 'at least 1 orders canceled, 0 ended before they could be\n' })
  })

  test('a service that cancels nothing though orders remain is given up', async () => {
    const { code, err, requests, pauses } = await runWith(() => answer([], true), [...line, '--yes'])
    expect({ code, sent: requests.length, pauses: pauses.length }).toEqual({ code: 1, sent: 10, pauses: 9 })
    expect(err).toContain('canceled nothing 10 times')
  })

  test('--json: a line for each order, then the total', async () => {
    const pages = [answer(['a'], true, [{ id: 'c', orderStatus: 'FILLED' }]), answer(['b'], false)]
    const { out } = await runWith((_, n) => pages[n]!, [...line, '--yes', '--json'])
    expect(lines(out)).toEqual([
      { canceled: 'a' },
      { notCanceled: { id: 'c', orderStatus: 'FILLED' } },
      { canceled: 'b' },
      { total: { canceled: 2, notCanceled: 1, remaining: false, atLeast: false } },
    ])
  })
})

const slips = [
  [[], 'an id is required, or --user, or --ticker'],
  [['me'], 'the id of an order must be a UUID'],
  [[ids[0]!, '--ticker', 'AAPL'], 'either ids, or --user, --ticker and --side'],
  [['--side', 'BUY'], '--side needs --user or --ticker beside it'],
  [['--ticker', 'AAPL', '--only-new'], '--only-new is for ids'],
  [['--ticker', ''], '--ticker must be 1 to 16'],
] as const
test.each(slips)('%j is refused: %s', async (words, fault) => {
  const { code, err, requests } = await runWith(() => json(200, {}), ['cancel', ...words])
  expect({ code, sent: requests.length }).toEqual({ code: 2, sent: 0 })
  expect(err).toContain(`orders cancel: ${fault}`)
})
