// Proves: cells take turns in the right order.

import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fullScale, type Bench, type Workload } from './bench.ts'
import { runWorkload } from './run.ts'
import { newState } from './state.ts'

const dir = mkdtempSync(join(tmpdir(), 'orders-bench-run-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const silent = { say: Object.assign(() => undefined, { silentMs: () => 0 }) } as unknown as Bench

const turnsOf = async (workload: Pick<Workload, 'alternating'>): Promise<string[]> => {
  const state = newState(fullScale({ rounds: 3, seconds: 1, minutes: 1, millions: 1 }))
  const cells = ['A', 'B'].map((name) => ({
    name,
    run: async () => ({ figures: {}, cpu: {}, recount: { ok: true, faults: [], facts: {} } }),
  }))
  await runWorkload(silent, { name: 'W1', title: '', rounds: 3, cells, ...workload }, state, dir)
  return state.measurements.map(({ cell, round }) => `${cell}${round}`)
}

test('cells take turns in their order', async () => {
  expect(await turnsOf({})).toEqual(['A1', 'B1', 'A2', 'B2', 'A3', 'B3'])
})

test('alternating cells change places from round to round', async () => {
  expect(await turnsOf({ alternating: true })).toEqual(['A1', 'B1', 'B2', 'A2', 'A3', 'B3'])
})
