// Proves: there is one table of problems, with the codes and statuses of the contract, and their members are always the same, in
// one order.

import { describe, expect, test } from 'bun:test'
import { invalid, problem, problems, refused, type ProblemCode } from '../../../src/http/exchange/problem.ts'

const statuses = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  METHOD_NOT_ALLOWED: 405,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  IDEMPOTENCY_MISMATCH: 422,
  RATE_LIMITED: 429,
  OVERLOADED: 503,
  OUTCOME_UNKNOWN: 504,
  INTERNAL: 500,
} as const satisfies Record<ProblemCode, number>

describe('the table', () => {
  test('has the codes of the contract and no other', () => {
    expect(Object.fromEntries(Object.entries(problems).map(([code, { status }]) => [code, status]))).toEqual(statuses)
  })

  test.each(Object.keys(statuses) as ProblemCode[])('%s has the same members as every other', async (code) => {
    const response = problem(code, 'what to change')
    expect(response.status).toBe(statuses[code])
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(response.headers.get('retry-after')).toBe(code === 'OVERLOADED' ? '1' : null)
    const { type, title } = problems[code]
    expect(await response.text()).toBe(
      `{"type":"urn:orders:problem:${type}","title":"${title}","status":${statuses[code]},"detail":"what to change",` +
        `"code":"${code}","message":"what to change","errors":[]}`,
    )
  })

  test('two codes never share a type', () => {
    expect(new Set(Object.values(problems).map(({ type }) => type)).size).toBe(Object.keys(problems).length)
  })
})

test('the faults of a request are listed, and spoken in one sentence', async () => {
  const response = invalid('Invalid order', [
    { pointer: '/price', detail: 'is required for LIMIT' },
    { pointer: '?limit', detail: 'is too large' },
    { pointer: 'header:Idempotency-Key', detail: 'is too long' },
    { pointer: '', detail: 'the body is empty' },
  ])
  expect(await response.json()).toMatchObject({
    title: 'Invalid order',
    status: 400,
    message: 'price is required for LIMIT; limit is too large; Idempotency-Key is too long; the body is empty',
  })
})

test('what the use cases refuse has one status each', () => {
  expect(refused('OVERLOADED').status).toBe(503)
  expect(refused('OUTCOME_UNKNOWN').status).toBe(504)
  expect(refused('INTERNAL').status).toBe(500)
})
