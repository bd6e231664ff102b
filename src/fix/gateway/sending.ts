// What a connection has to send, in order: a socket takes only as much as its peer reads. What is written within one turn of the loop goes out
// together.

/** Bytes that are put together for one write. */
const portionBytes = 262_144

const createQueue = () => {
  const chunks: Uint8Array[] = []
  let bytes = 0

  /** How many chunks, from the first on, make a portion: at least one. */
  const countOfPortion = (): number => {
    let sum = chunks[0]!.length
    let count = 1
    while (count < chunks.length && sum + chunks[count]!.length <= portionBytes) sum += chunks[count++]!.length
    return count
  }

  return {
    bytes: (): number => bytes,
    add(chunk: Uint8Array): void {
      if (chunk.length === 0) return
      chunks.push(chunk)
      bytes += chunk.length
    },
    /** Gives away the first portion. False: only a part of it was taken, or nothing. */
    give(write: (bytes: Uint8Array) => number): boolean {
      const count = countOfPortion()
      const portion = count === 1 ? chunks[0]! : Buffer.concat(chunks.slice(0, count))
      const taken = Math.max(0, write(portion))
      bytes -= taken
      const isWhole = taken >= portion.length
      if (isWhole) chunks.splice(0, count)
      else chunks.splice(0, count, portion.subarray(taken))
      return isWhole
    },
  }
}

export type SendingOptions = {
  /** How many of these bytes the socket takes now; below 0: it is closed. */
  write: (bytes: Uint8Array) => number
  /** The socket took all that there was. */
  onSent: () => void
  now: () => number
}

export type Sending = {
  add: (bytes: Uint8Array) => void
  /** Gives the socket what it takes. */
  flush: () => void
  /** The same once this turn of the loop is over. */
  flushSoon: () => void
  /** Bytes that the socket has not taken. */
  unsent: () => number
  /** For how long it has taken nothing of what there is, in milliseconds. */
  stuckMs: () => number
}

export const createSending = ({ write, onSent, now }: SendingOptions): Sending => {
  const queue = createQueue()
  let isPlanned = false
  /** When the socket last took something, or had nothing to take. */
  let since = now()

  const flush = (): void => {
    const before = queue.bytes()
    let isWhole = true
    while (isWhole && queue.bytes() > 0) isWhole = queue.give(write)
    if (queue.bytes() < before) since = now()
    if (isWhole) onSent()
  }
  const flushSoon = (): void => {
    if (isPlanned) return
    isPlanned = true
    setImmediate(() => {
      isPlanned = false
      flush()
    })
  }
  return {
    add(bytes) {
      if (queue.bytes() === 0) since = now()
      queue.add(bytes)
      flushSoon()
    },
    flush,
    flushSoon,
    unsent: queue.bytes,
    stuckMs: () => (queue.bytes() === 0 ? 0 : now() - since),
  }
}
