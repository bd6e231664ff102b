// Proves: however much is wrong with a message, its client gets the status: headers that are too large are dropped by clients, and the status with
// them.

import { expect, test } from 'bun:test'
import type { Metadata } from '@grpc/grpc-js'
import { statusOf } from '../../src/grpc/status.ts'
import { detailsOf, type Json } from './client.ts'
import { openDoor } from './harness.ts'

/** What Java's library takes by default; that of C++ and Python begins to drop answers there. */
const headersMax = 8_192

/** As HTTP/2 counts: 32 bytes for each header, and bytes as base64. */
const sizeOf = (detail: string, trailer: Metadata): number => {
  const headers: Record<string, Buffer | string> = {
    ...trailer.getMap(),
    'grpc-message': encodeURI(detail),
    'grpc-status': '3',
  }
  return Object.entries(headers).reduce(
    (sum, [name, value]) =>
      sum + 32 + name.length + (typeof value === 'string' ? value.length : Math.ceil(value.length / 3) * 4),
    0,
  )
}

test('thousands of faults are a bad request, with the first of them', async () => {
  const door = await openDoor()
  const refused = await door.client().call('List', { status: Array.from({ length: 5_000 }, () => 'OPEN') })
  expect(refused.code).toBe(3)
  expect(refused.detail).toStartWith('status must be open, closed or one of ')
  expect(detailsOf(refused.trailer)['BadRequest']!['fieldViolations'] as Json[]).toHaveLength(16)
  expect(sizeOf(refused.detail, refused.trailer)).toBeLessThan(headersMax)
})

test('a detail that is long is cut, and between characters', () => {
  const { details, metadata } = statusOf({ code: 'BAD_REQUEST', detail: `${'x'.repeat(999)}😀 and so on` })
  expect(details).toBe(`${'x'.repeat(999)}\ufffd…`)
  expect(sizeOf(details, metadata)).toBeLessThan(headersMax)
  expect(statusOf({ code: 'BAD_REQUEST', detail: 'short' }).details).toBe('short')
})
