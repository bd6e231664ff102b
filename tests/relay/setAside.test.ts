// Proves: a ticker that cannot be sent is tried again after growing pauses, by itself, a bounded number at a time.

import { expect, test } from 'bun:test'
import { createSetAside } from '../../src/relay/setAside.ts'

const at = () => {
  const clock = { ms: 0 }
  return { clock, aside: createSetAside(() => clock.ms) }
}

test('a ticker is due after a pause that doubles each time, up to five seconds', () => {
  const { clock, aside } = at()
  const pauses: number[] = []
  for (let tries = 0; tries < 8; tries++) {
    aside.put('A', 1)
    pauses.push(aside.nextInMs()!)
    expect(aside.due()).toEqual([])
    clock.ms += aside.nextInMs()!
    expect(aside.due()).toEqual(['A'])
  }
  expect(pauses).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000])
})

test('each ticker has its own schedule, and leaves by name', () => {
  const { clock, aside } = at()
  expect(aside.nextInMs()).toBeNull()
  aside.put('A', 1)
  clock.ms = 200
  aside.put('B', 2)
  expect(aside.nextInMs()).toBe(50)
  clock.ms = 260
  expect(aside.due()).toEqual(['A'])
  expect(aside.tickers()).toEqual(['A', 'B'])
  expect(aside.remove('A')).toBe(true)
  expect(aside.remove('A')).toBe(false)
  expect(aside.all()).toEqual([{ ticker: 'B', shard: 2 }])
  // After it left, its pauses start over.
  aside.put('A', 1)
  clock.ms += 250
  expect(aside.due().toSorted()).toEqual(['A', 'B'])
})

test('hurry makes all due, keepOnly drops the shards that are not ours', () => {
  const { aside } = at()
  aside.put('A', 1)
  aside.put('B', 2)
  aside.put('C', 1)
  expect(aside.due()).toEqual([])
  aside.hurry()
  expect(aside.due()).toEqual(['A', 'B', 'C'])
  expect(aside.nextInMs()).toBe(0)
  aside.keepOnly([1, 7])
  expect(aside.tickers()).toEqual(['A', 'C'])
})

test('a retry reads a bounded number of tickers', () => {
  const { clock, aside } = at()
  for (let n = 0; n < 1_000; n++) aside.put(`T${n}`, 0)
  clock.ms = 10_000
  expect(aside.due().length).toBe(200)
  expect(aside.all()).toHaveLength(1_000)
})
