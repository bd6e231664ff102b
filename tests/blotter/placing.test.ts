// Proves: an attempt to place an order has one key from its first request to its last, whatever is clicked and whatever is answered, and
// ends in what is certain.

import { describe, expect, test } from 'bun:test'
import { emptyTicket } from '../../src/blotter/model/ticket.ts'
import { createPlacing } from '../../src/blotter/orders/placing.ts'
import { newKey } from '../../src/blotter/service/key.ts'
import { createService } from '../../src/blotter/service/service.ts'
import { orderJson } from './orders.ts'

type Sent = { path: string; key: string | undefined; body: Record<string, unknown> }

const json = (status: number, body: string) =>
  new Response(body, { status, headers: { 'content-type': 'application/json' } })
const accepted = () => json(202, orderJson(1))
const refusal = (status: number, code: string) => () =>
  json(status, JSON.stringify({ code, title: code, detail: 'why', errors: [] }))

/** Answers one request after another; a missing answer is a lost one. */
const openPlacing = (...answers: (() => Response)[]) => {
  const sent: Sent[] = []
  const service = createService((path, init) => {
    const headers = init.headers as Record<string, string>
    sent.push({ path, key: headers['idempotency-key'], body: JSON.parse(init.body as string) as Sent['body'] })
    const answer = answers[sent.length - 1]
    return answer === undefined ? Promise.reject(new TypeError('network')) : Promise.resolve(answer())
  })
  let keys = 0
  const states: string[] = []
  const placing = createPlacing({ service, newKey: () => `key-${++keys}`, onState: ({ kind }) => states.push(kind) })
  return { placing, sent, states }
}
const ticket = { ...emptyTicket, userId: 'u', ticker: 'AAPL', quantity: '1', price: '2' }

describe('an attempt', () => {
  test('that is clicked twice is sent once', async () => {
    const { placing, sent, states } = openPlacing(accepted)
    await Promise.all([placing.place(ticket), placing.place(ticket)])
    await placing.place(ticket)
    expect([sent.length, states]).toEqual([1, ['sending', 'placed']])
  })

  test.each([
    ['504 OUTCOME_UNKNOWN', refusal(504, 'OUTCOME_UNKNOWN')],
    ['a proxy that gave up', () => new Response('<html>', { status: 502 })],
  ])('answered with %s is asked again with its key', async (_, lost) => {
    const { placing, sent } = openPlacing(lost, accepted)
    await placing.place(ticket)
    expect(placing.state().kind).toBe('unknown')
    // Other terms would be another order.
    await placing.place({ ...ticket, quantity: '9' })
    await placing.askAgain()
    expect(placing.state().kind).toBe('placed')
    expect(sent.map(({ key }) => key)).toEqual(['key-1', 'key-1'])
    expect(sent[1]!.body).toEqual(sent[0]!.body)
  })

  test.each([
    [401, 'UNAUTHORIZED'],
    [429, 'RATE_LIMITED'],
    [503, 'OVERLOADED'],
  ])('that was asked again and refused with %d %s may have been stored the first time', async (status, code) => {
    const { placing, sent } = openPlacing(refusal(504, 'OUTCOME_UNKNOWN'), refusal(status, code), accepted)
    await placing.place(ticket)
    await placing.askAgain()
    expect(placing.state()).toMatchObject({ kind: 'unknown', problem: { code } })
    await placing.askAgain()
    expect(placing.state().kind).toBe('placed')
    expect(sent.map(({ key }) => key)).toEqual(['key-1', 'key-1', 'key-1'])
  })

  test.each(['ORDER_REJECTED', 'VOIDED'])('that was asked again and is judged %s was not stored', async (code) => {
    const { placing } = openPlacing(refusal(504, 'OUTCOME_UNKNOWN'), refusal(422, code))
    await placing.place(ticket)
    await placing.askAgain()
    expect(placing.state()).toMatchObject({ kind: 'editing', problem: { code } })
  })

  test('over a connection that died without a word ends all the same, and may have been stored', async () => {
    const hangs = (_: string, { signal }: RequestInit): Promise<Response> =>
      new Promise((_resolve, reject) => signal!.addEventListener('abort', () => reject(signal!.reason as Error)))
    const placing = createPlacing({ service: createService(hangs, 20), newKey, onState: () => undefined })
    await placing.place(ticket)
    expect(placing.state()).toMatchObject({ kind: 'unknown', problem: { code: 'NO_ANSWER' } })
  })

  test('without an answer may have been stored', async () => {
    const { placing } = openPlacing()
    await placing.place(ticket)
    expect(placing.state()).toMatchObject({ kind: 'unknown', problem: { code: 'NO_ANSWER' } })
  })

  test.each([
    [400, 'BAD_REQUEST'],
    [422, 'ORDER_REJECTED'],
    [503, 'OVERLOADED'],
    [500, 'INTERNAL'],
  ])('refused with %d %s stored nothing: the next one has another key', async (status, code) => {
    const { placing, sent } = openPlacing(refusal(status, code), accepted)
    await placing.place(ticket)
    expect(placing.state()).toMatchObject({ kind: 'editing', problem: { code } })
    await placing.place(ticket)
    expect(sent.map(({ key }) => key)).toEqual(['key-1', 'key-2'])
  })

  test('is made void by its key and its user', async () => {
    const { placing, sent } = openPlacing(refusal(504, 'OUTCOME_UNKNOWN'), () => json(200, '{"voided":true}'))
    await placing.place(ticket)
    await placing.makeVoid()
    expect(sent[1]).toMatchObject({ path: '/orders/void', body: { userId: 'u', clientOrderId: 'key-1' } })
    expect(placing.state().kind).toBe('voided')
  })

  test('whose void finds the order shows it', async () => {
    const { placing } = openPlacing(refusal(504, 'OUTCOME_UNKNOWN'), () =>
      json(200, `{"voided":false,"order":${orderJson(7)}}`),
    )
    await placing.place(ticket)
    await placing.makeVoid()
    expect(placing.state()).toMatchObject({ kind: 'exists', order: { id: '01a21972-0000-7000-8000-000000000007' } })
  })

  test('whose void is not answered stays unknown', async () => {
    const { placing } = openPlacing(refusal(504, 'OUTCOME_UNKNOWN'))
    await placing.place(ticket)
    await placing.makeVoid()
    expect(placing.state().kind).toBe('unknown')
  })
})

test('a key is a UUID, and another one each time', () => {
  const keys = Array.from({ length: 100 }, newKey)
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(new Set(keys).size).toBe(100)
})
