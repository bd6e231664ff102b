// Proves: both paths answer with the page of metrics as it is at that moment, as Prometheus' text format.

import { expect, test } from 'bun:test'
import { createApp } from '../../../src/http/server.ts'
import { callerOf, serverOptions } from '../harness.ts'

test.each(['/metrics', '/actuator/prometheus'])('%s is made anew for every request', async (path) => {
  let value = 0
  const call = callerOf(createApp(serverOptions({ metrics: () => `orders_rows ${++value}\n` })))
  const answer = await call('GET', path)
  expect([answer.status, answer.text]).toEqual([200, 'orders_rows 1\n'])
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect((await call('GET', path)).text).toBe('orders_rows 2\n')
})
