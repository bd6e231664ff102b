// Proves: exceptions of reports are listed whole and resolved once, by name, over HTTP; no resolution ever moves an order.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { badRequest, bodyOf, openHarness, refusal, type Harness } from '../harness.ts'

type ExceptionJson = { id: string; orderId: string; reportId: string; disposition: string; resolution: object | null }

let harness: Harness
beforeAll(async () => {
  harness = await openHarness()
})
afterAll(() => harness.close())

const list = async (query = ''): Promise<ExceptionJson[]> => {
  const answer = await harness.call('GET', `/exceptions/reports${query}`)
  expect(answer.status).toBe(200)
  return bodyOf(answer)['exceptions'] as ExceptionJson[]
}

/** An order with `count` reports of another ticker, which are kept as exceptions. */
const mismatch = async (count = 1): Promise<string> => {
  const { id: orderId } = await harness.place()
  for (let i = 0; i < count; i++)
    expect(await harness.report({ orderId, ticker: 'MSFT', cumulative: '0' })).toEqual(['MISMATCH'])
  return orderId
}

const resolve = (id: string, body: object | string) =>
  harness.call('POST', `/exceptions/reports/${id}/resolve`, { body })

describe('GET /exceptions/reports', () => {
  test('shows an exception whole: content, reason, coordinates, key and the message as received', async () => {
    const { id: orderId } = await harness.place()
    await harness.report({
      orderId,
      reportId: 'R-7',
      kind: 'EXPIRED',
      ticker: 'MSFT',
      cumulative: '0.10000001',
      partition: 3,
      offset: 42n,
    })
    const answer = await harness.call('GET', `/exceptions/reports?orderId=${orderId}`)
    expect(answer.text).toContain('"cumulativeQuantity":0.10000001,')
    expect((bodyOf(answer)['exceptions'] as object[])[0]).toEqual({
      id: expect.any(String),
      disposition: 'MISMATCH',
      reason: 'the report is of MSFT, the order of AAPL',
      orderId,
      reportId: 'R-7',
      kind: 'EXPIRED',
      ticker: 'MSFT',
      reportReason: 'no liquidity',
      cumulativeQuantity: 0.10000001,
      reportedAt: '2026-01-02T03:04:05.678901Z',
      recordedAt: expect.any(String),
      source: { topic: 'order.report.v1', partition: 3, offset: 42 },
      keyBase64: Buffer.from('MSFT').toString('base64'),
      message: expect.stringContaining('"reportId":"R-7"'),
      resolution: null,
    })
  })

  test('a quantity of 0 is a quantity, and one that was left out is null', async () => {
    const { id: orderId } = await harness.place()
    await harness.report({ orderId, ticker: 'MSFT', cumulative: '0' }, { orderId, ticker: 'MSFT', reason: null })
    const all = await list(`?orderId=${orderId}`)
    expect(new Set(all.map((one) => Reflect.get(one, 'cumulativeQuantity') as unknown))).toEqual(new Set([0, null]))
    expect(new Set(all.map((one) => Reflect.get(one, 'reportReason') as unknown))).toEqual(
      new Set([null, 'no liquidity']),
    )
  })

  test('pages newest first, each exception once, by its own cursors alone', async () => {
    const orderId = await mismatch(5)
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const query = `?orderId=${orderId}&limit=2${cursor && `&cursor=${cursor}`}`
      const page = bodyOf(await harness.call('GET', `/exceptions/reports${query}`))
      seen.push(...(page['exceptions'] as ExceptionJson[]).map(({ id }) => id))
      cursor = page['nextCursor'] as string | null
      if (cursor !== null)
        expect(refusal(await harness.call('GET', `/exceptions?cursor=${cursor}`))).toEqual(badRequest('?cursor'))
    }
    expect(seen).toHaveLength(5)
    expect(seen).toEqual([...new Set(seen)].toSorted().toReversed())
  })

  test('filters by disposition, report and whether it is resolved', async () => {
    const orderId = await mismatch(2)
    const [newest, oldest] = await list(`?orderId=${orderId}`)
    await resolve(newest!.id, { resolvedBy: 'ops', note: 'seen' })
    const idsOf = async (query: string) => (await list(query)).map(({ id }) => id)
    expect(await idsOf(`?orderId=${orderId}&resolved=false`)).toEqual([oldest!.id])
    expect(await idsOf(`?orderId=${orderId}&resolved=true`)).toEqual([newest!.id])
    expect(await idsOf(`?reportId=${oldest!.reportId}`)).toEqual([oldest!.id])
    expect(await list(`?orderId=${orderId}&disposition=CONFLICT&disposition=INCOMPLETE`)).toEqual([])
    expect(await list(`?orderId=${orderId}&disposition=CONFLICT&disposition=MISMATCH`)).toHaveLength(2)
  })

  test('lists every fault of its parameters', async () => {
    const query = '?orderId=x&disposition=OVERFILL&resolved=maybe&limit=0&cursor=!&tradeId=1'
    expect(refusal(await harness.call('GET', `/exceptions/reports${query}`))).toEqual(
      badRequest('?tradeId', '?orderId', '?disposition', '?resolved', '?limit', '?cursor'),
    )
  })
})

describe('POST /exceptions/reports/{id}/resolve', () => {
  test('says who and what, and leaves the order as it was', async () => {
    const orderId = await mismatch()
    const before = await harness.call('GET', `/orders/${orderId}`)
    const [exception] = await list(`?orderId=${orderId}`)
    const words = { resolvedBy: 'ops@desk', note: 'the engine mixed up two orders' }
    const answer = await resolve(exception!.id, words)
    expect(answer.status).toBe(200)
    expect(bodyOf(answer)).toMatchObject({ id: exception!.id, resolution: words })
    expect((await harness.call('GET', `/orders/${orderId}`)).text).toBe(before.text)
    expect((await resolve(exception!.id, words)).text).toBe(answer.text)
    expect(refusal(await resolve(exception!.id, { ...words, note: 'undone' }))).toEqual({
      status: 409,
      code: 'CONFLICT',
      pointers: [],
    })
  })

  test('takes no parameter', async () => {
    const [exception] = await list(`?orderId=${await mismatch()}`)
    const path = `/exceptions/reports/${exception!.id}/resolve?note=b`
    const answer = await harness.call('POST', path, { body: { resolvedBy: 'a', note: 'b' } })
    expect(refusal(answer)).toEqual(badRequest('?note'))
    expect((await list(`?orderId=${exception!.orderId}`))[0]!.resolution).toBeNull()
  })

  test('of many at once one wins, and nobody meets a failure', async () => {
    const [exception] = await list(`?orderId=${await mismatch()}`)
    const notes = Array.from({ length: 20 }, (_, i) => `note ${i}`)
    const answers = await Promise.all(notes.map((note) => resolve(exception!.id, { resolvedBy: 'ops', note })))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      200,
      ...Array.from({ length: 19 }, () => 409),
    ])
  })

  test('refuses an unknown exception, a bad id and bad words; exceptions of trades are others', async () => {
    const words = { resolvedBy: 'a', note: 'b' }
    expect((await resolve('01a203dd-6736-765a-bbe4-8e63a038f62d', words)).status).toBe(404)
    expect(refusal(await resolve('nope', words))).toEqual(badRequest(''))
    const [exception] = await list(`?orderId=${await mismatch()}`)
    expect(refusal(await resolve(exception!.id, { resolvedBy: '', extra: 1 }))).toEqual(
      badRequest('/resolvedBy', '/note', ''),
    )
    expect((await harness.call('POST', `/exceptions/${exception!.id}/resolve`, { body: words })).status).toBe(404)
  })
})
