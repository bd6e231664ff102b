// Proves: `orders exceptions` lists what did not fit and resolves it, and `orders status` says how the service is.

import { describe, expect, test } from 'bun:test'
import { json, lines, problem, runAt, runWith } from './desk.ts'

const id = '01a21972-22c8-7629-9c2b-3d0639827f49'
const exception = {
  id,
  disposition: 'OVERFILL',
  reason: 'only 3 remain',
  orderId: 'o-1',
  tradeId: 't-1',
  ticker: 'AAPL',
  quantity: 10,
  resolution: null,
  message: '{}',
}

describe('exceptions', () => {
  test('the open ones, as a table and as JSON', async () => {
    const page = json(200, { exceptions: [exception], nextCursor: null })
    const { code, out, requests } = await runWith(() => page, ['exceptions'])
    expect({ code, path: requests[0]!.path }).toEqual({ code: 0, path: '/exceptions?resolved=false&limit=50' })
    expect(out.split('\n')[1]).toMatch(new RegExp(`^${id}  OVERFILL +o-1 +t-1 +AAPL +10 +only 3 remain$`))
    const asJson = await runWith(() => page, ['exceptions', '--json'])
    expect(lines(asJson.out)).toEqual([exception])
  })

  test('those of reports, and every filter', async () => {
    const line = [
      'exceptions',
      '--reports',
      '--all',
      '--order',
      id,
      '--disposition',
      'incomplete',
      '--disposition',
      'MISMATCH',
      '--limit',
      '5',
    ]
    const { code, err, requests } = await runWith(() => json(200, { exceptions: [], nextCursor: null }), line)
    expect({ code, err }).toEqual({ code: 0, err: 'orders exceptions: no exceptions\n' })
    expect(requests[0]!.path).toBe(
      `/exceptions/reports?orderId=${id}&disposition=INCOMPLETE&disposition=MISMATCH&limit=5`,
    )
  })

  test('resolve says who and what', async () => {
    const resolution = { resolvedBy: 'ops@desk', note: 'told them' }
    const line = ['exceptions', 'resolve', id, '--by', 'ops@desk', '--note', 'told them']
    const { code, out, requests } = await runWith(() => json(200, { ...exception, resolution }), line)
    expect(code).toBe(0)
    expect(out).toContain('resolution   ops@desk: told them\n')
    expect(requests[0]).toMatchObject({ method: 'POST', path: `/exceptions/${id}/resolve`, json: resolution })
    const report = await runWith(
      () => problem(409, 'CONFLICT', 'it is resolved in other words'),
      [...line, '--reports'],
    )
    expect(report.requests[0]!.path).toBe(`/exceptions/reports/${id}/resolve`)
    expect(report).toMatchObject({ code: 1, err: 'orders exceptions resolve: it is resolved in other words\n' })
    const bad = await runWith(() => json(200, {}), ['exceptions', 'resolve', 'x'])
    expect(bad).toMatchObject({ code: 2 })
    for (const fault of ['the id of the exception must be a UUID', '--by is required', '--note is required'])
      expect(bad.err).toContain(`orders exceptions resolve: ${fault}\n`)
  })
})

describe('status', () => {
  const health = (status: string) => ({
    status,
    components: { db: { status: 'UP', details: { reason: 'answers' } }, kafka: { status, details: { topics: 3 } } },
  })

  test.each([
    ['UP', 200, 0],
    ['DEGRADED', 200, 0],
    ['DOWN', 503, 1],
  ] as const)('%s', async (word, status, code) => {
    const result = await runWith(() => json(status, health(word)), ['status'])
    expect(result).toMatchObject({ code, out: `${word}\ndb: UP\n  reason  answers\nkafka: ${word}\n  topics  3\n` })
    // Asked once: a service that is down says so at once.
    expect(result.requests.map(({ path }) => path)).toEqual(['/actuator/health'])
    const asJson = await runWith(() => json(status, health(word)), ['status', '--json'])
    expect(lines(asJson.out)).toEqual([health(word)])
  })

  test('nobody there, and not for everybody', async () => {
    expect(await runAt('http://127.0.0.1:1', ['status'])).toMatchObject({
      code: 1,
      err: 'orders status: nobody listens at this address: http://127.0.0.1:1 (see --url)\n',
    })
    const { code, err } = await runWith(() => problem(403, 'FORBIDDEN', 'needs orders:admin'), ['status'])
    expect({ code, err }).toEqual({
      code: 1,
      err: 'orders status: this credential may not see how the service is: needs orders:admin\n',
    })
  })
})
