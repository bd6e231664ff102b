// Proves: a port that was handed out is nobody else's while the process that has it lives, also before anybody listens on it.

import { expect, test } from 'bun:test'
import { freePort, portIsFree, reservePort } from './ports.ts'

test('a free port is below those of outgoing connections, and no other process is given it', async () => {
  const port = await freePort()
  expect(port).toBeGreaterThanOrEqual(20_000)
  expect(port).toBeLessThan(32_000)
  expect(await portIsFree(port)).toBe(true)
  expect(reservePort(port, process.pid)).toBe(false)
  expect(reservePort(port, process.ppid)).toBe(false)
})

test('what a process had is free when it is gone', async () => {
  const child = Bun.spawn(['sleep', '60'], { stdin: 'ignore' })
  // No number of a port that anybody looks for.
  const port = 100_000 + child.pid
  expect(reservePort(port, child.pid)).toBe(true)
  expect(reservePort(port, process.pid)).toBe(false)
  child.kill()
  await child.exited
  expect(reservePort(port, process.pid)).toBe(true)
  expect(reservePort(port, process.ppid)).toBe(false)
})
