// Measures what it costs to count something, in nanoseconds, as the service does it: `bun tests/metrics/cost.ts`.

import { createObservers } from '../../src/metrics/observers.ts'

const times = 2_000_000
const values = Array.from({ length: 1_024 }, () => Math.random() * 0.02)

const measure = (what: string, observe: (value: number) => void): void => {
  for (let i = 0; i < times / 10; i++) observe(values[i & 1_023]!)
  const startedAt = performance.now()
  for (let i = 0; i < times; i++) observe(values[i & 1_023]!)
  const ns = ((performance.now() - startedAt) * 1e6) / times
  console.log(`${ns.toFixed(0).padStart(5)} ns  ${what}`)
}

const { request, batch, relay, legs, metrics } = createObservers()
const exchange = { operation: 'placeOrder', request: new Request('http://x/orders', { method: 'POST' }) }
measure('a request', (seconds) =>
  request(exchange as unknown as Parameters<typeof request>[0], { status: 202, seconds }),
)
measure('a batch: its size, wait and time', (ms) => batch('place', { items: 64, waitedMs: ms, tookMs: ms }))
measure('a published event', (ms) => relay.onPublished(ms))
measure('a leg', () => legs.onDisposition('APPLIED'))
const startedAt = performance.now()
for (let i = 0; i < 1_000; i++) metrics()
console.log(`${(performance.now() - startedAt).toFixed(0).padStart(5)} us  all of them for a page`)
