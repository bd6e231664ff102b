// A TCP proxy in front of any server. Shut, nobody listens on its port; open, bytes pass both ways; stalled, it takes connections and
// bytes and passes nothing on, as a network does that loses packets. For Kafka it stands before the bootstrap address only: clients
// then go to the address that the broker advertises.

import type { Socket } from 'node:net'
import { createDoor, type DoorOptions } from './tcpDoor.ts'

export type TcpProxy = AsyncDisposable & {
  readonly port: number
  /** As `host:port`. */
  readonly address: string
  open: () => Promise<void>
  /** Ends all present connections and refuses new ones. */
  shut: () => Promise<void>
  /** Ends all present connections and any stall; new connections pass. */
  cut: () => void
  /** Present and new connections carry nothing until `flow` or `cut`. */
  stall: () => void
  /** Ends a stall: the bytes of the meantime pass on. */
  flow: () => void
  /** Observes the first bytes of each new client. Replaces the last listener. */
  onHello: (listener: (bytes: Buffer) => void) => void
}

/** A shut proxy. */
export const createTcpProxy = async (
  target: DoorOptions['target'],
  { port }: { port?: number } = {},
): Promise<TcpProxy> => {
  let stalled = false
  let hello: (bytes: Buffer) => void = () => undefined

  const pipe = (from: Socket, to: Socket): void => {
    from.on('data', (chunk: Buffer) => {
      // A full buffer on the far side stops the near one.
      if (!to.write(chunk)) from.pause()
    })
    to.on('drain', () => {
      if (!stalled) from.resume()
    })
    from.on('close', () => to.destroy())
    if (stalled) from.pause()
  }
  const door = await createDoor({
    target,
    ...(port === undefined ? {} : { port }),
    carry({ client, server }) {
      client.once('data', (bytes: Buffer) => hello(bytes))
      pipe(client, server)
      pipe(server, client)
    },
  })
  const each = (act: (socket: Socket) => void): void => {
    for (const { client, server } of door.connections) for (const socket of [client, server]) act(socket)
  }
  return {
    port: door.port,
    address: door.address,
    open: door.open,
    shut: door.shut,
    cut() {
      stalled = false
      door.cut()
    },
    stall() {
      stalled = true
      each((socket) => socket.pause())
    },
    flow() {
      stalled = false
      each((socket) => socket.resume())
    },
    onHello(listener) {
      hello = listener
    },
    [Symbol.asyncDispose]: door.shut,
  }
}
