// Proves: the compiled service, its clients on HTTP and its engine on Kafka, goes through FIX's order state matrices as FIX says, in every row
// that applies to it.

import { binary } from '../support/binary.ts'
import { expect, test } from '../support/explained.ts'
import { createWorld, ownWorld } from '../support/world.ts'
import { playsOf } from './forms.ts'
import { scenarios } from './matrices.ts'
import { count, playRow } from './play.ts'
import { serviceDoor } from './serviceDoor.ts'

/** The next minute that is far enough away for a day order to be placed and to be filled before: a close has no seconds. */
const nextClose = (fromNowMs: number): string => new Date(Date.now() + fromNowMs + 60_000).toISOString().slice(11, 16)

// It may have to be built, which takes longer than until the close.
await binary()

const { world, service } = await ownWorld({
  env: { SESSION_CLOSE: nextClose(45_000), EXPIRY_SETTLE_MS: '500', ENGINE_FEATURES: 'reports' },
})
const door = serviceDoor(world, service, { reports: true })

const rows = scenarios.filter((row) => playsOf(row).length > 0)
// All rows at once: most of their time is waiting, for a close among other things.
const plays = new Map(rows.map((row) => [row.id, playRow(row, door)]))

test.each(rows.map(({ id, title }) => [id, title] as const))('%s %s', async (id) => {
  expect(await plays.get(id)!).toEqual([])
})

test('every row has its place in the count', async () => {
  const results = new Map<string, readonly string[]>()
  for (const [id, play] of plays) results.set(id, await play)
  const { line, faults } = count(scenarios, results)
  console.log(`HTTP and Kafka: ${line}`)
  expect(faults).toEqual([])
})

test('I.1.a and I.1.b: where the engine reports nothing, the service ends what remains', async () => {
  await using world = await createWorld({ env: { IMMEDIATE_GRACE_MS: '10000', EXPIRY_SETTLE_MS: '500' } })
  const door = serviceDoor(world, await world.start(), { reports: false })
  const immediate = scenarios.filter(({ id }) => id === 'I.1.a' || id === 'I.1.b')
  expect((await Promise.all(immediate.map((row) => playRow(row, door)))).flat()).toEqual([])
})
