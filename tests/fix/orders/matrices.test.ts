// Proves: FIX messages go through FIX's order state matrices as FIX says, in every row that applies: ExecType, OrdStatus, OrderQty, CumQty,
// LeavesQty, LastQty, AvgPx, reasons and ids.

import { expect, test } from 'bun:test'
import { playsOf } from '../forms.ts'
import { scenarios } from '../matrices.ts'
import { count, playRow } from '../play.ts'
import { fixDoor } from './fixDoor.ts'

const results = new Map<string, readonly string[]>()

const rows = scenarios.filter((row) => playsOf(row).length > 0)
test.each(rows.map((row) => [row.id, row.title, row] as const))('%s %s', async (id, _, row) => {
  const faults = await playRow(row, fixDoor)
  results.set(id, faults)
  expect(faults).toEqual([])
})

test('every row has its place in the count', () => {
  const { line, faults } = count(scenarios, results)
  console.log(`FIX messages: ${line}`)
  expect(faults).toEqual([])
})
