// Proves: what is waited for within a limit comes as it is; what does not come is given up at its own limit and not at that of another one
// that shares the timer.

import { expect, test } from 'bun:test'
import { within } from '../../../src/http/exchange/deadline.ts'

const never = (): Promise<never> => new Promise(() => undefined)

/** How a wait ends, and after how many ms. */
const ended = async (limitMs: number) => {
  const startedAt = performance.now()
  const outcome = await within(limitMs, never())
  return { outcome, ms: performance.now() - startedAt }
}

test('what comes in time is passed on, whatever it is', async () => {
  expect(await within(1_000, Promise.resolve('a'))).toEqual({ value: 'a' })
  expect(await within(1_000, Promise.resolve(null))).toEqual({ value: null })
  expect(await within(1_000, Promise.reject(new Error('cut')))).toBe('failed')
})

test('each is given up after its own limit, and not before', async () => {
  const first = ended(150)
  await Bun.sleep(100)
  const [second, shorter] = [ended(150), ended(20)]
  for (const [limitMs, one] of [
    [150, await first],
    [150, await second],
    [20, await shorter],
  ] as const) {
    expect(one.outcome).toBe('late')
    expect(one.ms).toBeGreaterThanOrEqual(limitMs - 0.01)
  }
})

test('those that are done do not keep back the ones behind them', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  const [done, late] = [within(60, promise), ended(60)]
  resolve('b')
  expect(await done).toEqual({ value: 'b' })
  expect((await late).outcome).toBe('late')
})

test('a failure after the limit is nobody’s', async () => {
  const { promise, reject } = Promise.withResolvers<string>()
  expect(await within(10, promise)).toBe('late')
  reject(new Error('too late to matter'))
  expect(await within(1_000, Promise.resolve(1))).toEqual({ value: 1 })
})
