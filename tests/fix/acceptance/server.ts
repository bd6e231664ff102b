// The acceptor that the suite judges: the session layer over real sockets, with a store in memory and the application of QuickFIX's acceptance
// server, which sends back every order (one that says PossResend only if its ClOrdID is new) and every security definition.

import type { Socket } from 'bun'
import { valueOf } from '../../../src/fix/protocol/codec.ts'
import type { Dictionary } from '../../../src/fix/protocol/dictionary.ts'
import { createReader } from '../../../src/fix/protocol/reader.ts'
import { sessionOf, step } from '../../../src/fix/session/session.ts'
import {
  defaultLimits,
  type SessionConfig,
  type SessionInput,
  type SessionOutput,
} from '../../../src/fix/session/state.ts'

const tickMs = 50
const sessionTypes = new Set(['0', '1', '2', '3', '4', '5', 'A'])

export const startAcceptor = (dictionary: Dictionary) => {
  const config: SessionConfig = { ours: 'ISLD', theirs: 'TW', resetOnLogon: true, dictionary, limits: defaultLimits }
  let owner: Socket<Connection> | null = null
  const sent = new Map<number, { type: string; bytes: Uint8Array }>()
  const orders = new Set<string>()

  const connect = (socket: Socket<Connection>) => {
    let state = sessionOf({ nextIn: 1, nextOut: 1 })
    const reader = createReader()
    const feed = (input: SessionInput) => {
      const stepped = step(config, state, input, Date.now())
      state = stepped.state
      for (const output of stepped.outputs) carryOut(output)
    }
    const echo = ({ number, message, possResend }: Extract<SessionOutput, { kind: 'deliver' }>) => {
      const id = valueOf(message.fields, 11)
      const known = id !== undefined && orders.has(id)
      if (id !== undefined) orders.add(id)
      const inHeader = (tag: number) => dictionary.header.members.has(tag)
      const body = message.fields.filter(([tag]) => !inHeader(tag)).toSorted(([left], [right]) => left - right)
      const header = message.fields.filter(([tag]) => tag === 97)
      feed({
        kind: 'send',
        consumes: number,
        messages: possResend && known ? [] : [{ type: message.type, header, body }],
      })
    }
    const carryOut = (output: SessionOutput): void => {
      switch (output.kind) {
        case 'send':
          socket.write(output.bytes)
          return
        case 'record':
          for (const { number, type, bytes } of output.sent) sent.set(number, { type, bytes })
          // This store is at once: what answers a delivery is applied by this too.
          return output.nextIn === null ? undefined : feed({ kind: 'applied', number: output.nextIn - 1 })
        case 'deliver':
          return echo(output)
        case 'authenticate': {
          // A session has one connection.
          const free = owner === null
          if (free) owner = socket
          return feed({ kind: 'authenticated', ok: free })
        }
        case 'reset':
          sent.clear()
          return
        case 'resend': {
          const messages = [...sent]
            .filter(([number, { type }]) => number >= output.from && number <= output.to && !sessionTypes.has(type))
            .map(([number, { bytes }]) => ({ number, bytes }))
          return feed({ kind: 'resent', from: output.from, to: output.to, messages })
        }
        case 'continue':
          return feed({ kind: 'continue' })
        case 'close':
          socket.end()
      }
    }
    const timer = setInterval(() => feed({ kind: 'tick' }), tickMs)
    feed({ kind: 'opened' })
    return {
      data: (chunk: Uint8Array) => {
        for (const read of reader.push(chunk))
          feed(read.kind === 'message' ? { kind: 'received', message: read.message } : { kind: 'garbled' })
      },
      close: () => {
        clearInterval(timer)
        feed({ kind: 'closed' })
        if (owner === socket) {
          owner = null
          orders.clear()
        }
      },
    }
  }
  type Connection = { handle: ReturnType<typeof connect> }
  const listener = Bun.listen<Connection>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open: (socket) => {
        socket.data = { handle: connect(socket) }
      },
      data: (socket, chunk) => socket.data.handle.data(chunk),
      close: (socket) => socket.data.handle.close(),
    },
  })
  return { port: listener.port, stop: () => listener.stop(true) }
}
