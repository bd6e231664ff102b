// A TCP proxy that is well, cuts what passes, or goes silent: then nothing passes and nobody is told. Each replica reaches
// Postgres and Kafka through its own.

import { connect, createServer, type Server, type Socket } from 'node:net'

export type TcpProxy = {
  readonly port: number
  /** Ends all present connections; new ones are well. */
  cut: () => void
  /** Present and new connections carry nothing until `flow` or `cut`. */
  stall: () => void
  /** Everything that was held back goes on. */
  flow: () => void
  /** The clients' first bytes, told of every new connection. */
  onHello: (listener: (bytes: Buffer) => void) => void
  close: () => Promise<void>
}

type Pair = { client: Socket; server: Socket }

export const startTcpProxy = async (port: number, target: { host: string; port: number }): Promise<TcpProxy> => {
  const pairs = new Set<Pair>()
  let stalled = false
  let hello: (bytes: Buffer) => void = () => undefined

  const cut = (): void => {
    stalled = false
    for (const { client, server } of pairs) {
      client.destroy()
      server.destroy()
    }
  }
  const carry = (pair: Pair, from: Socket, to: Socket): void => {
    from.setNoDelay(true)
    from.on('error', () => undefined)
    from.on('data', (chunk: Buffer) => {
      // A full buffer on the far side stops the near one.
      if (!to.write(chunk)) from.pause()
    })
    to.on('drain', () => {
      if (!stalled) from.resume()
    })
    from.on('close', () => {
      pairs.delete(pair)
      to.destroy()
    })
    if (stalled) from.pause()
  }
  const server: Server = createServer((client) => {
    const pair = { client, server: connect(target) }
    pairs.add(pair)
    client.once('data', (bytes: Buffer) => hello(bytes))
    carry(pair, pair.client, pair.server)
    carry(pair, pair.server, pair.client)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    port,
    cut,
    stall() {
      stalled = true
      for (const { client, server } of pairs) for (const socket of [client, server]) socket.pause()
    },
    flow() {
      stalled = false
      for (const { client, server } of pairs) for (const socket of [client, server]) socket.resume()
    },
    onHello(listener) {
      hello = listener
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      cut()
      await closed
    },
  }
}
