// A client of FIX over a real socket: it says what a test tells it to, and keeps what it gets.

import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import { encode, utcTimestamp, valueOf, type Field, type Message } from '../../../src/fix/protocol/codec.ts'
import { createReader } from '../../../src/fix/protocol/reader.ts'
import type { Certificate } from '../../support/certificates.ts'
import { until } from '../../support/until.ts'

export type FixClientOptions = {
  port: number
  /** Where it comes from; 127.0.0.1 if absent. */
  from?: string
  /** The authority of the server; absent: no TLS. */
  ca?: string
  certificate?: Certificate
  sender?: string
  target?: string
  /** The number of the first message; 1 if absent. */
  number?: number
}

/** A client that is not answered fails its test within this time. */
const deadlineMs = 30_000

export const openFixClient = async (options: FixClientOptions) => {
  const { port, from, ca, certificate, sender = 'BROKER1', target = 'ORDERS', number: first = 1 } = options
  const address = { port, host: '127.0.0.1', ...(from !== undefined && { localAddress: from }) }
  const socket: Socket = ca === undefined ? connectPlain(address) : connectSecure({ ...address, ca, ...certificate })
  const reader = createReader()
  const messages: Message[] = []
  let [number, bytes, isClosed] = [first, 0, false]
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    for (const read of reader.push(chunk)) if (read.kind === 'message') messages.push(read.message)
  })
  socket.on('error', () => undefined)
  socket.on('close', () => (isClosed = true))
  await new Promise<void>((resolve) => {
    socket.once(ca === undefined ? 'connect' : 'secureConnect', () => resolve())
    socket.once('close', () => resolve())
  })
  const bytesOf = (type: string, body: readonly Field[] = [], again?: number): Uint8Array => {
    const now = utcTimestamp(Date.now())
    const repeated: Field[] =
      again === undefined
        ? []
        : [
            [43, 'Y'],
            [122, now],
          ]
    const header: Field[] = [[34, String(again ?? number++)], [49, sender], [52, now], [56, target], ...repeated]
    return encode(type, header, body)
  }
  const next = (type: string, skip = 0): Promise<Message> =>
    until(() => messages.filter((message) => message.type === type)[skip], {
      what: `a message ${type} comes`,
      deadlineMs,
    })
  return {
    socket,
    messages,
    bytes: () => bytes,
    /** The number of the next message. */
    number: () => number,
    isClosed: () => isClosed,
    bytesOf,
    send: (type: string, body: readonly Field[] = []): void => void socket.write(bytesOf(type, body)),
    /** Waits for the message of this type, after `skip` others of it. */
    next,
    closed: () => until(() => isClosed, { what: 'the connection is closed', deadlineMs }),
    /** Logs on; answers the heartbeat's seconds of the answer. */
    async logon(body: readonly Field[] = [], seconds = 30): Promise<Message> {
      socket.write(bytesOf('A', [[98, '0'], [108, String(seconds)], ...body]))
      return next('A')
    },
    textOf: (message: Message): string => valueOf(message.fields, 58) ?? '',
    [Symbol.dispose]: (): void => void socket.destroy(),
  }
}
export type FixClient = Awaited<ReturnType<typeof openFixClient>>
