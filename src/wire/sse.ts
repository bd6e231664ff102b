// Reads a stream of server-sent events (WHATWG HTML, 9.2.6) from chunks that may be cut anywhere.

/** `name`: `message` if the stream gave none. `data` is empty where only the id moves on. `id`: the stream's last id as of this message. */
export type SseMessage = { name: string; data: string; id: string | null }

export type SseReader = {
  /** The messages that are complete with this chunk. Throws StreamTooLong. */
  take: (chunk: Uint8Array) => SseMessage[]
  /** The server's wish for the time before a new connection, in ms; null: it said none. */
  retryMs: () => number | null
}

/** A line or a message without an end: this is no event stream of the service. */
export class StreamTooLong extends Error {
  override name = 'StreamTooLong'
}

/** Characters of one message. A page of the snapshot is the longest that the service sends. */
const messageMax = 16_777_216

/** Ends of lines: CR LF, LF or CR. */
const lineEnd = /\r\n|\n|\r/

export const createSseReader = (lastId: string | null = null): SseReader => {
  const decoder = new TextDecoder()
  let rest = ''
  let [name, data, id] = ['', [] as string[], lastId]
  let sized = 0
  let retryMs: number | null = null

  const field = (line: string): void => {
    const colon = line.indexOf(':')
    if (colon === 0) return
    const key = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    sized += value.length
    if (key === 'data') data.push(value)
    else if (key === 'event') name = value
    else if (key === 'id' && !value.includes('\0')) id = value === '' ? null : value
    else if (key === 'retry' && /^\d{1,9}$/.test(value)) retryMs = Number(value)
  }

  const complete = (): SseMessage => {
    const message = { name: name === '' ? 'message' : name, data: data.join('\n'), id }
    name = ''
    data = []
    sized = 0
    return message
  }

  return {
    take(chunk) {
      let text = rest + decoder.decode(chunk, { stream: true })
      // The other half of this line end may be in the next chunk.
      const isHalf = text.endsWith('\r')
      if (isHalf) text = text.slice(0, -1)
      const lines = text.split(lineEnd)
      rest = lines.pop()! + (isHalf ? '\r' : '')
      const messages: SseMessage[] = []
      for (const line of lines) {
        if (line === '') messages.push(complete())
        else field(line)
        if (sized > messageMax) throw new StreamTooLong(`a message of more than ${messageMax} characters`)
      }
      if (rest.length > messageMax) throw new StreamTooLong(`a line of more than ${messageMax} characters`)
      return messages
    },
    retryMs: () => retryMs,
  }
}
