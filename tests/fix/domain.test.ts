// Proves: the domain goes through FIX's order state matrices as FIX says, in every row that applies to it.

import { expect, test } from 'bun:test'
import { domainDoor } from './domainDoor.ts'
import { playsOf } from './forms.ts'
import { scenarios } from './matrices.ts'
import { count, playRow, type OutOfReach } from './play.ts'

const outOfReach: OutOfReach = {
  'B.1.f': 'the domain looks up no order',
  'G.1.a': 'the domain looks up no order',
}
const results = new Map<string, readonly string[]>()

const rows = scenarios.filter((row) => outOfReach[row.id] === undefined && playsOf(row).length > 0)
test.each(rows.map((row) => [row.id, row.title, row] as const))('%s %s', async (id, _, row) => {
  const faults = await playRow(row, domainDoor)
  results.set(id, faults)
  expect(faults).toEqual([])
})

test('every row has its place in the count', () => {
  const { line, faults } = count(scenarios, results, outOfReach)
  console.log(`the domain: ${line}`)
  expect(faults).toEqual([])
})
