// Finds free ports of 127.0.0.1, and says whether a port is free.

import { createServer } from 'node:net'

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

/** A free port; two calls of one process never name the same one. */
export const freePort = async (): Promise<number> => {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const port = lowestPort + Math.floor(Math.random() * (highestPort - lowestPort))
    if (!handedOut.has(port) && (await portIsFree(port))) {
      handedOut.add(port)
      return port
    }
  }
  throw new Error(`no free port between ${lowestPort} and ${highestPort}`)
}

const handedOut = new Set<number>()
