// Proves: exceptions are listed whole and resolved once, by name, over HTTP; no resolution ever moves an order.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { badRequest, bodyOf, openHarness, refusal, type Harness } from '../harness.ts'

type ExceptionJson = { id: string; orderId: string; tradeId: string; disposition: string; resolution: object | null }

let harness: Harness
beforeAll(async () => {
  harness = await openHarness()
})
afterAll(() => harness.close())

const list = async (query = ''): Promise<ExceptionJson[]> => {
  const answer = await harness.call('GET', `/exceptions${query}`)
  expect(answer.status).toBe(200)
  return bodyOf(answer)['exceptions'] as ExceptionJson[]
}

/** An order with `count` over-filling trades, which are kept as exceptions. */
const overfill = async (count = 1): Promise<string> => {
  const { id } = await harness.place({ quantity: 1 })
  for (let i = 0; i < count; i++) {
    const tradeId = `over-${id}-${i}`.slice(0, 64)
    await harness.trade({ tradeId, quantity: BigInt(2 + i) * 100_000_000n, sides: [{ side: 'BUY', orderId: id }] })
  }
  return id
}

const resolve = (id: string, body: object | string) => harness.call('POST', `/exceptions/${id}/resolve`, { body })

describe('GET /exceptions', () => {
  test('shows an exception whole: terms, reason, coordinates, key and the message as received', async () => {
    const orderId = await overfill()
    const [exception] = await list(`?orderId=${orderId}`)
    expect(exception).toMatchObject({
      disposition: 'OVERFILL',
      orderId,
      side: 'BUY',
      ticker: 'AAPL',
      quantity: 2,
      price: 150,
      tradedAt: '2026-01-02T03:04:05.678Z',
      source: { topic: 'trade.executed.v1', partition: 0, offset: expect.any(Number) },
      keyBase64: null,
      message: '{}',
      resolution: null,
    })
  })

  test('pages newest first, each exception once', async () => {
    const orderId = await overfill(5)
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page = bodyOf(
        await harness.call('GET', `/exceptions?orderId=${orderId}&limit=2${cursor && `&cursor=${cursor}`}`),
      )
      seen.push(...(page['exceptions'] as ExceptionJson[]).map(({ id }) => id))
      cursor = page['nextCursor'] as string | null
    }
    expect(seen).toHaveLength(5)
    expect(seen).toEqual([...new Set(seen)].toSorted().toReversed())
  })

  test('takes its own cursors, those of 1.1 included, and none of the list of orders', async () => {
    const orderId = await overfill(3)
    await overfill()
    const cursorOf = async (path: string) => bodyOf(await harness.call('GET', path))['nextCursor'] as string
    const own = await cursorOf(`/exceptions?orderId=${orderId}&limit=1`)
    const [, ...older] = await list(`?orderId=${orderId}`)
    expect(await list(`?orderId=${orderId}&cursor=${own}`)).toEqual(older)
    const bare = Buffer.from(Buffer.from(own, 'base64url').toString().replace('exception-', '')).toString('base64url')
    expect(await list(`?orderId=${orderId}&cursor=${bare}`)).toEqual(older)
    const ofOrders = await cursorOf('/orders?limit=1')
    expect(refusal(await harness.call('GET', `/exceptions?cursor=${ofOrders}`))).toEqual(badRequest('?cursor'))
    expect(refusal(await harness.call('GET', `/orders?cursor=${own}`))).toEqual(badRequest('?cursor'))
    expect((await harness.call('GET', `/orders?cursor=${ofOrders}`)).status).toBe(200)
  })

  test('filters by disposition, trade and whether it is resolved', async () => {
    const orderId = await overfill(2)
    const [newest, oldest] = await list(`?orderId=${orderId}`)
    await resolve(newest!.id, { resolvedBy: 'ops', note: 'seen' })
    expect((await list(`?orderId=${orderId}&resolved=false`)).map(({ id }) => id)).toEqual([oldest!.id])
    expect((await list(`?orderId=${orderId}&resolved=true`)).map(({ id }) => id)).toEqual([newest!.id])
    expect((await list(`?tradeId=${oldest!.tradeId}`)).map(({ id }) => id)).toEqual([oldest!.id])
    expect(await list(`?orderId=${orderId}&disposition=CONFLICT&disposition=MISMATCH`)).toEqual([])
    expect(await list(`?orderId=${orderId}&disposition=CONFLICT&disposition=OVERFILL`)).toHaveLength(2)
  })

  test('lists every fault of its parameters', async () => {
    const answer = await harness.call(
      'GET',
      '/exceptions?orderId=x&disposition=LATE&resolved=maybe&limit=0&cursor=!&more=1',
    )
    expect(refusal(answer)).toEqual(badRequest('?more', '?orderId', '?disposition', '?resolved', '?limit', '?cursor'))
  })
})

describe('POST /exceptions/{id}/resolve', () => {
  test('says who and what, and leaves the order as it was', async () => {
    const orderId = await overfill()
    const before = await harness.call('GET', `/orders/${orderId}`)
    const [exception] = await list(`?orderId=${orderId}`)
    const answer = await resolve(exception!.id, { resolvedBy: 'ops@desk', note: 'the engine replayed; told them' })
    expect(answer.status).toBe(200)
    expect(bodyOf(answer)).toMatchObject({
      id: exception!.id,
      resolution: {
        resolvedBy: 'ops@desk',
        note: 'the engine replayed; told them',
        resolvedAt: expect.stringMatching(/Z$/),
      },
    })
    expect((await harness.call('GET', `/orders/${orderId}`)).text).toBe(before.text)
  })

  test('counts the characters of the words as the published schema does', async () => {
    const [exception] = await list(`?orderId=${await overfill()}`)
    const long = { resolvedBy: '\u{1f4c8}'.repeat(200), note: '\u{1f4c9}'.repeat(2_000) }
    expect(refusal(await resolve(exception!.id, { ...long, note: `${long.note}.` }))).toEqual(badRequest('/note'))
    expect((await resolve(exception!.id, long)).status).toBe(200)
    expect((await list(`?tradeId=${exception!.tradeId}`))[0]).toMatchObject({ resolution: long })
  })

  test('the same words again are the same answer; other words meet the first resolution', async () => {
    const [exception] = await list(`?orderId=${await overfill()}`)
    const words = { resolvedBy: 'ann', note: 'done' }
    const first = await resolve(exception!.id, words)
    expect((await resolve(exception!.id, words)).text).toBe(first.text)
    expect(refusal(await resolve(exception!.id, { ...words, note: 'undone' }))).toEqual({
      status: 409,
      code: 'CONFLICT',
      pointers: [],
    })
    expect((await list(`?tradeId=${exception!.tradeId}`))[0]).toMatchObject({ resolution: words })
  })

  test('of many at once one wins, and nobody meets a failure', async () => {
    const [exception] = await list(`?orderId=${await overfill()}`)
    const notes = Array.from({ length: 20 }, (_, i) => `note ${i}`)
    const answers = await Promise.all(notes.map((note) => resolve(exception!.id, { resolvedBy: 'ops', note })))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      200,
      ...Array.from({ length: 19 }, () => 409),
    ])
  })

  test('refuses an unknown exception, a bad id and bad words, each fault named', async () => {
    expect((await resolve('01a203dd-6736-765a-bbe4-8e63a038f62d', { resolvedBy: 'a', note: 'b' })).status).toBe(404)
    expect(refusal(await resolve('nope', { resolvedBy: 'a', note: 'b' }))).toEqual(badRequest(''))
    const [exception] = await list(`?orderId=${await overfill()}`)
    expect(refusal(await resolve(exception!.id, { resolvedBy: '', extra: 1 }))).toEqual(
      badRequest('/resolvedBy', '/note', ''),
    )
    expect(refusal(await resolve(exception!.id, '{"resolvedBy":"a\\u0000","note":"b"}'))).toEqual(
      badRequest('/resolvedBy'),
    )
    expect(refusal(await resolve(exception!.id, 'no json'))).toEqual(badRequest(''))
  })

  test('the database keeps exceptions and their resolutions as they are', async () => {
    const [exception] = await list(`?orderId=${await overfill()}`)
    await resolve(exception!.id, { resolvedBy: 'a', note: 'b' })
    const { sql } = harness.database
    for (const attempt of [
      sql`update exceptions set reason = 'x' where id = ${exception!.id}`,
      sql`delete from exceptions where id = ${exception!.id}`,
      sql`update exception_resolutions set note = 'x' where exception_id = ${exception!.id}`,
      sql`delete from exception_resolutions where exception_id = ${exception!.id}`,
      sql`truncate exception_resolutions`,
    ]) {
      const code = await attempt.then(
        () => 'it was let through',
        (error: { code: string }) => error.code,
      )
      expect(code).toBe('23514')
    }
  })
})
