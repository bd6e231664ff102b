// Proves: there is one table of problems, with the codes and statuses of the contract, and their members are always the same, in
// one order.

import { describe, expect, test } from 'bun:test'
import { shownPath } from '../../../src/http/exchange/path.ts'
import {
  faultsMax,
  invalid,
  problem,
  problemJson,
  problemReply,
  problems,
  refused,
  type ProblemCode,
} from '../../../src/http/exchange/problem.ts'

const occasion = { path: '/orders', at: new Date('2026-01-02T03:04:05.678Z') }

const statuses = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  VOIDED: 409,
  CURSOR_EXPIRED: 410,
  METHOD_NOT_ALLOWED: 405,
  PRECONDITION_FAILED: 412,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  IDEMPOTENCY_MISMATCH: 422,
  ORDER_REJECTED: 422,
  RATE_LIMITED: 429,
  OVERLOADED: 503,
  OUTCOME_UNKNOWN: 504,
  INTERNAL: 500,
} as const satisfies Record<ProblemCode, number>

describe('the table', () => {
  test('has the codes of the contract and no other', () => {
    expect(Object.fromEntries(Object.entries(problems).map(([code, { status }]) => [code, status]))).toEqual(statuses)
  })

  test.each(Object.keys(statuses) as ProblemCode[])('%s has the same members as every other', (code) => {
    const reply = problemReply(problem(code, 'what to change'), occasion)
    expect(reply.status).toBe(statuses[code])
    expect(reply.headers['content-type']).toBe('application/problem+json')
    expect(reply.headers['retry-after']).toBe(code === 'OVERLOADED' ? '1' : undefined)
    const { type, title, error } = problems[code]
    expect(reply.body).toBe(
      `{"type":"urn:orders:problem:${type}","title":"${title}","status":${statuses[code]},"detail":"what to change",` +
        `"code":"${code}","message":"what to change","errors":[],"timestamp":"2026-01-02T03:04:05.678Z",` +
        `"error":"${error}","path":"/orders"}`,
    )
  })

  test('two codes never share a type', () => {
    expect(new Set(Object.values(problems).map(({ type }) => type)).size).toBe(Object.keys(problems).length)
  })
})

test('the faults of a request are listed, and spoken in one sentence', () => {
  const refusal = invalid('Invalid order', [
    { pointer: '/price', detail: 'is required for LIMIT' },
    { pointer: '?limit', detail: 'is too large' },
    { pointer: 'header:Idempotency-Key', detail: 'is too long' },
    { pointer: '', detail: 'the body is empty' },
  ])
  expect(JSON.parse(problemJson(refusal, occasion))).toMatchObject({
    title: 'Invalid order',
    status: 400,
    message: 'price is required for LIMIT; limit is too large; Idempotency-Key is too long; the body is empty',
  })
})

describe('the faults of a request that has nothing else', () => {
  const faults = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ pointer: `/m${i}`, detail: 'is not a member of an order' }))
  const shown = (count: number) => JSON.parse(problemJson(invalid('Invalid order', faults(count)), occasion)) as Shown
  type Shown = { errors: object[]; detail: string; message: string }

  test('are listed up to a number, and the others are counted', () => {
    const { errors, detail, message } = shown(8_000)
    expect(errors).toEqual(faults(faultsMax))
    expect(detail.endsWith('m31 is not a member of an order; and 7968 more')).toBeTrue()
    expect(message).toBe(detail)
  })

  test('are all listed if they are no more', () => {
    const { errors, detail } = shown(faultsMax)
    expect(errors).toEqual(faults(faultsMax))
    expect(detail).not.toContain('more')
  })
})

test('what the use cases refuse has one status each', () => {
  const statusOf = (code: Parameters<typeof refused>[0]) => problemReply(refused(code), occasion).status
  expect(statusOf('OVERLOADED')).toBe(503)
  expect(statusOf('OUTCOME_UNKNOWN')).toBe(504)
  expect(statusOf('INTERNAL')).toBe(500)
})

describe('the path in a problem', () => {
  const pathIn = (url: string): string => shownPath({ url } as Request)

  test.each([
    ['http://localhost/orders', '/orders'],
    ['http://localhost/orders/?userId=secret#part', '/orders/'],
    ['/orders?x=1', '/orders'],
    ['http://localhost/a%20b%2Fc', '/a%20b%2Fc'],
    ['http://localhost/a%zz%', '/a%25zz%25'],
    ['http://localhost/<b>"\\^`{|}é€', '/%3Cb%3E%22%5C%5E%60%7B%7C%7D%C3%A9%E2%82%AC'],
    ['http://localhost/\ud800', '/%EF%BF%BD'],
    ['http://localhost', ''],
  ])('of %s is %s', (url, path) => expect(pathIn(url)).toBe(path))

  test('has 256 characters at most, and no encoded byte is cut in two', () => {
    expect(pathIn(`http://localhost/${'x'.repeat(300)}`)).toBe(`/${'x'.repeat(255)}`)
    expect(pathIn(`http://localhost/${'x'.repeat(254)}<`)).toBe(`/${'x'.repeat(254)}`)
    expect(pathIn(`http://localhost/${'x'.repeat(253)}<`)).toBe(`/${'x'.repeat(253)}`)
    expect(pathIn(`http://localhost/${'x'.repeat(252)}<`)).toBe(`/${'x'.repeat(252)}%3C`)
  })
})
