// Proves: records of every kind break no promise: a slice of `bun run fuzz` for every check, each kind twice, once by the
// producers' clocks and once by the broker's, with a restart of a replica in between. The seed is fixed: the long run varies it.

import { expect, test } from '../support/explained.ts'
import { createWorld } from '../support/world.ts'
import { fuzzRecords } from './recordFuzz.ts'
import { printViolation } from './violation.ts'

const seed = process.env['FUZZ_SEED'] ?? 'records'
const only = process.env['FUZZ_ONLY']?.split(',')

test('records of every kind: no partition stops, and each is where it belongs', async () => {
  await using world = await createWorld()
  const report = await fuzzRecords(world, {
    seed,
    ...(only === undefined ? {} : { only }),
    rounds: { atLeast: 2, minutes: 0 },
    replicas: 1,
    quietMs: 0,
    broker: null,
    drainMs: 60_000,
    say: () => undefined,
  })
  expect(report.violations.map(printViolation)).toEqual([])
  expect([report.rounds, report.restarts]).toEqual([2, 1])
}, 240_000)
