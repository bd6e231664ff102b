// Proves: 5,000 hostile requests and 5,000 hostile messages break no promise: a slice of `bun run fuzz` for every check, with a
// new seed each time.

import { expect, test } from '../support/explained.ts'
import { createWorld } from '../support/world.ts'
import { fuzz } from './fuzz.ts'
import { printViolation } from './violation.ts'

const requests = 5_000
const messages = 5_000
const seed = process.env['FUZZ_SEED'] ?? crypto.randomUUID().slice(0, 8)

test('hostile requests and messages: nothing breaks or leaks, and what is stored is lawful', async () => {
  await using world = await createWorld({ env: { ENGINE_FEATURES: 'reports,display,post-only' } })
  const report = await fuzz(world, { seed, requests, messages, say: () => undefined })
  expect(report.violations.map(printViolation)).toEqual([])
  expect([report.requests, report.messages]).toEqual([requests, messages])
  // A generator that only makes refusals would prove little.
  expect(report.statuses['202']).toBeGreaterThan(requests / 10)
  expect(report.statuses['400']).toBeGreaterThan(requests / 10)
}, 900_000)
