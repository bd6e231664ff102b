// What goes out on a stream: one message at a time, the next one once the connection took it. So at most one waits here for a slow reader, who
// holds up nobody else, and who is cut off if it takes nothing for too long.

import type { ServerWritableStream } from '@grpc/grpc-js'
import type { Plain, Received } from './messages.ts'
import { reset } from './untaken.ts'

type Call = ServerWritableStream<Received, Plain>

export type Outgoing = {
  /** Resolves once the connection took it, or once the client is gone. */
  write: (message: Plain) => Promise<void>
  /** From now on a client may take nothing for so long, while something waits for it. */
  setPatience: (ms: number) => void
}

/** The library's types leave out what stands behind the call of a handler. */
const innerOf = (call: Call): unknown => (call as unknown as { call: unknown }).call

/** `patienceMs`: until `setPatience` is called. */
export const createOutgoing = (call: Call, patienceMs: number): Outgoing => {
  let patience = patienceMs
  let waiting: { resolve: () => void } | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  const done = (): void => {
    clearTimeout(timer)
    waiting?.resolve()
    waiting = null
  }
  const arm = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => reset(innerOf(call)), patience)
  }
  call.once('cancelled', done)
  return {
    write(message) {
      if (call.cancelled) return Promise.resolve()
      return new Promise((resolve) => {
        waiting = { resolve }
        arm()
        call.write(message, done)
      })
    },
    setPatience(ms) {
      patience = ms
      if (waiting !== null) arm()
    },
  }
}
