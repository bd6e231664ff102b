// Reads server-sent events as the standard has it: an event counts once its empty line has come; an id stays until there is another.

export type SseEvent = { event: string; data: string }

export type SseReader = {
  /** Calls the handler for each event that these bytes complete. */
  feed: (bytes: Buffer) => void
  /** The cursor to resume from; null: none came. */
  lastEventId: () => string | null
}

const newline = 10
const decoder = new TextDecoder()

/** `lastEventId`: where to go on from before anything came. */
export const createSseReader = (lastEventId: string | null, onEvent: (event: SseEvent) => void): SseReader => {
  let waiting: Buffer = Buffer.alloc(0)
  let id = lastEventId
  let next: { event: string; data: string[]; id: string | null } = { event: '', data: [], id }

  const dispatch = (): void => {
    const { event, data } = next
    id = next.id
    next = { event: '', data: [], id }
    if (data.length > 0) onEvent({ event: event === '' ? 'message' : event, data: data.join('\n') })
  }
  const readField = (line: string): void => {
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'event') next.event = value
    else if (name === 'data') next.data.push(value)
    else if (name === 'id' && !value.includes('\0')) next.id = value
  }
  const readLine = (bytes: Buffer): void => {
    const line = decoder.decode(bytes).replace(/\r$/, '')
    if (line === '') dispatch()
    // A comment has no name before its colon.
    else if (!line.startsWith(':')) readField(line)
  }
  return {
    feed(bytes) {
      waiting = waiting.length === 0 ? bytes : Buffer.concat([waiting, bytes])
      for (let at = waiting.indexOf(newline); at >= 0; at = waiting.indexOf(newline)) {
        readLine(waiting.subarray(0, at))
        waiting = waiting.subarray(at + 1)
      }
    },
    lastEventId: () => (id === '' ? null : id),
  }
}
