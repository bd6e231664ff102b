// The streams that are open on the ports of this process.

import type { EventStream } from './eventStream.ts'

export type OpenStreams = {
  add: (stream: EventStream) => void
  remove: (stream: EventStream) => void
  /** Ends, after `graceMs`, those whose clients have not taken the rest and the end by then. */
  end: (graceMs: number) => void
}

export const createOpenStreams = (): OpenStreams => {
  const open = new Set<EventStream>()
  return {
    add: (stream) => void open.add(stream),
    remove: (stream) => void open.delete(stream),
    end(graceMs) {
      const timer = setTimeout(() => open.forEach((stream) => stream.end()), graceMs)
      timer.unref()
    },
  }
}
