// Proves: a sleep ends after its time or with its signal; a bell ends one wait and no more.

import { describe, expect, test } from 'bun:test'
import { createBell, sleep } from '../../src/app/sleep.ts'

const hourMs = 3_600_000

describe('sleep', () => {
  test('ends after its time', async () => {
    const startedAt = performance.now()
    await sleep(20)
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(18)
  })

  test('ends at once with the signal, whether that comes before or during', async () => {
    await sleep(hourMs, AbortSignal.abort())
    const stopping = new AbortController()
    const sleeping = sleep(hourMs, stopping.signal)
    stopping.abort()
    await sleeping
  })
})

describe('a bell', () => {
  test('ends the wait under way', async () => {
    const bell = createBell()
    const waiting = bell.wait(hourMs)
    bell.ring()
    await waiting
  })

  test('that rang while nobody waited ends the next wait, and only that one', async () => {
    const bell = createBell()
    bell.ring()
    bell.ring()
    await bell.wait(hourMs)
    let over = false
    const second = bell.wait(hourMs).then(() => (over = true))
    await Bun.sleep(20)
    expect(over).toBe(false)
    bell.ring()
    await second
  })

  test('is left when its time is over or the signal comes', async () => {
    const bell = createBell()
    await bell.wait(5)
    await bell.wait(hourMs, AbortSignal.abort())
    const stopping = new AbortController()
    const waiting = bell.wait(hourMs, stopping.signal)
    stopping.abort()
    await waiting
  })
})
