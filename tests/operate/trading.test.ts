// Proves: `orders halt`, `orders resume` and `orders void` send what was asked for, ask before they concern much, and say when it is not
// certain that it is in force.

import { describe, expect, test } from 'bun:test'
import { json, lines, problem, runWith, type Sent } from './desk.ts'

const who = ['--by', 'ops@desk', '--note', 'fat finger']
const changed = json(200, { epoch: 8, ticker: 'AAPL', before: { state: 'ACTIVE' }, after: { state: 'HALTED' } })
const open = json(200, { orders: [{ id: 'a', ticker: 'AAPL', userId: 'u' }], nextCursor: null })
const answer = ({ method }: Sent) => (method === 'GET' ? open : changed)

describe('halt and resume', () => {
  const calls = [
    [['halt', 'aapl', ...who], '/trading?ticker=AAPL', { state: 'HALTED', by: 'ops@desk', note: 'fat finger' }],
    [
      ['resume', 'eur+usd', ...who],
      '/trading?ticker=EUR%2BUSD',
      { state: 'ACTIVE', by: 'ops@desk', note: 'fat finger' },
    ],
    [['halt', ...who, '--yes'], '/trading', { state: 'HALTED', by: 'ops@desk', note: 'fat finger' }],
    [
      ['halt', 'AAPL', ...who, '--yes', '--cancel-open'],
      '/trading?ticker=AAPL',
      { state: 'HALTED', by: 'ops@desk', note: 'fat finger', cancelOpen: true },
    ],
  ] as const
  test.each(calls)('%j', async (line, path, body) => {
    const { code, err, out, requests, questions } = await runWith(answer, line)
    expect({ code, questions }).toEqual({ code: 0, questions: [] })
    const follows =
      'cancelOpen' in body
        ? "orders halt: what is open is being canceled: orders list --ticker 'AAPL' --status open\n"
        : ''
    expect(err).toBe(follows)
    expect(requests.map((sent) => [sent.method, sent.path, sent.json])).toEqual([['PUT', path, body]])
    expect(out).toBe('done: AAPL: state ACTIVE → HALTED (change 8)\n')
  })

  const questions = [
    [['halt', ...who], 'orders: halts EVERY ticker'],
    [['resume', ...who], 'orders: resumes EVERY ticker that is not halted by itself'],
    [['halt', 'AAPL', ...who, '--cancel-open'], 'orders: halts AAPL and cancels 1 open order of 1 user in 1 ticker'],
    [['halt', ...who, '--cancel-open'], 'orders: halts EVERY ticker and cancels 1 open order of 1 user in 1 ticker'],
  ] as const
  test.each(questions)('%j asks: %s', async (line, question) => {
    const yes = await runWith(answer, line, { answer: true })
    expect(yes).toMatchObject({ code: 0, questions: [question] })
    expect(yes.requests.at(-1)!.method).toBe('PUT')
    const no = await runWith(answer, line, { answer: false })
    expect(no).toMatchObject({ code: 1, err: `orders ${line[0]}: nothing was done\n` })
    const nobody = await runWith(answer, line)
    expect(nobody.code).toBe(2)
    for (const { requests } of [no, nobody]) expect(requests.some(({ method }) => method === 'PUT')).toBeFalse()
  })

  test('a service that is busy is asked again; without a clear answer it is unknown whether it is in force', async () => {
    const busy = problem(503, 'OVERLOADED', 'a lock')
    const line = ['halt', 'AAPL', ...who]
    expect(await runWith((_, n) => (n < 3 ? busy : changed), line)).toMatchObject({ code: 0 })
    const certain = await runWith(() => busy, line)
    expect(certain.err).toEndWith('orders halt: the service answers 503 OVERLOADED: a lock\n')
    const lost = await runWith(() => 'lost', line)
    expect(lost.code).toBe(1)
    expect(lost.err).toEndWith(
      'orders halt: unknown: the connection was lost. It may be in force: give the same command again\n',
    )
  })

  const slips = [
    [['halt', 'AAPL', '--by', 'me'], '--note is required'],
    [['halt', 'AAPL', '--note', 'why', '--by', ' '], '--by is required'],
    [['halt', 'AAPL', 'MSFT', ...who], '"MSFT" is too much'],
    [['resume', 'A B', ...who], 'the ticker must be 1 to 16'],
    [['resume', 'AAPL', ...who, '--cancel-open'], 'there is no --cancel-open here'],
  ] as const
  test.each(slips)('%j is refused: %s', async (line, fault) => {
    const { code, err, requests } = await runWith(answer, line)
    expect({ code, sent: requests.length }).toEqual({ code: 2, sent: 0 })
    expect(err).toContain(fault)
  })

  test('the refusals of the service', async () => {
    const { code, err } = await runWith(() => problem(403, 'FORBIDDEN', 'needs orders:admin'), ['halt', 'AAPL', ...who])
    expect({ code, err }).toEqual({
      code: 1,
      err: 'orders halt: this credential may not change the rules: needs orders:admin\n',
    })
  })
})

describe('void', () => {
  const user = 'a11ce000-0000-4000-8000-000000000001'
  const line = ['void', 'my key', '--user', user]

  test('a key that was not used', async () => {
    const { code, out, requests } = await runWith(() => json(200, { voided: true }), line)
    expect({ code, out }).toEqual({ code: 0, out: 'void: no order with this key can be accepted any more\n' })
    expect(requests[0]).toMatchObject({
      method: 'POST',
      path: '/orders/void',
      json: { userId: user, clientOrderId: 'my key' },
    })
  })

  test('a key that was used: the order, and exit code 1', async () => {
    const answered = json(200, { voided: false, order: { id: 'o-1', status: 'NEW' } })
    const { code, out } = await runWith(() => answered, line)
    expect({ code, out }).toEqual({ code: 1, out: 'the key was used before:\nid      o-1\nstatus  NEW\n' })
    const asJson = await runWith(() => answered, [...line, '--json'])
    expect(lines(asJson.out)).toEqual([{ voided: false, order: { id: 'o-1', status: 'NEW' } }])
  })

  test('without an answer nothing is certain', async () => {
    const { code, err } = await runWith(() => 'lost', line)
    expect(code).toBe(1)
    expect(err).toEndWith('It is not certain: give the same command again\n')
    const none = await runWith(() => json(200, {}), ['void'])
    expect(none).toMatchObject({ code: 2 })
    expect(none.err).toContain('the key must be 1 to 64 printable ASCII characters')
  })
})
