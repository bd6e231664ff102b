// Finds free ports of 127.0.0.1, and says whether a port is free.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAlive } from './processes.ts'

// Below the range that the kernel hands out to outgoing connections: a server that is killed and started again
// on its port must not find it taken by somebody's client socket.
const lowestPort = 20_000
const highestPort = 32_000
const attemptsMax = 200

/** True when a server could listen on the port right now. */
export const portIsFree = (port: number): Promise<boolean> => {
  return new Promise((answer) => {
    const probe = createServer()
    probe.once('error', () => answer(false))
    probe.listen({ host: '127.0.0.1', port, exclusive: true }, () => probe.close(() => answer(true)))
  })
}

/**
 * Takes the port for a process, until that process is gone. A broker listens seconds after its port was chosen, and a server that was
 * killed comes back to its port: no other test run of this machine may choose it meanwhile.
 */
export const reservePort = (port: number, pid: number): boolean => {
  const file = join(reservations, `${port}`)
  mkdirSync(reservations, { recursive: true })
  try {
    writeFileSync(file, `${pid}`, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    if (isTaken(file)) return false
    // Left behind by a process that is gone.
    writeFileSync(file, `${pid}`)
    return true
  }
}

/** One file a port, with the id of the process that has it. */
const reservations = join(tmpdir(), `orders-ports-${process.getuid?.() ?? 0}`)

const isTaken = (file: string): boolean => {
  try {
    return isAlive(Number(readFileSync(file, 'utf8')))
  } catch {
    return false
  }
}

/** A free port; two calls never name the same one, in whatever processes of this machine. */
export const freePort = async (): Promise<number> => {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const port = lowestPort + Math.floor(Math.random() * (highestPort - lowestPort))
    if ((await portIsFree(port)) && reservePort(port, process.pid)) return port
  }
  throw new Error(`no free port between ${lowestPort} and ${highestPort}`)
}
