// Reads one HTTP/1.1 answer from the bytes of a connection, wherever they are cut. The harness's own, so that it can leave an answer at any
// byte, and leans on no client library.

export type Head = { status: number; headers: Readonly<Record<string, string>> }

type Handlers = {
  onHead: (head: Head) => void
  onBody: (bytes: Buffer) => void
  /** The answer is complete. */
  onEnd: () => void
}

export type HttpReader = {
  /** Throws where the bytes are no HTTP. */
  feed: (bytes: Buffer) => void
}

const lineEnd = '\r\n'

const parseHead = (text: string): Head => {
  const [first = '', ...lines] = text.split(lineEnd)
  const status = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(first)?.[1]
  if (status === undefined) throw new Error(`no status line: ${first.slice(0, 80)}`)
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  return { status: Number(status), headers: Object.fromEntries(headers) }
}

export const createHttpReader = ({ onHead, onBody, onEnd }: Handlers): HttpReader => {
  let waiting: Buffer = Buffer.alloc(0)
  let state: 'head' | 'size' | 'chunk' | 'chunkEnd' | 'trailer' | 'body' | 'done' = 'head'
  /** Bytes of the chunk or of the body that are still to come. */
  let left = 0

  /** The text up to `mark`, which it takes away; null: it is not all there. */
  const take = (mark: string): string | null => {
    const at = waiting.indexOf(mark)
    if (at < 0) return null
    const text = waiting.subarray(0, at).toString('latin1')
    waiting = waiting.subarray(at + mark.length)
    return text
  }
  const end = (): void => {
    state = 'done'
    onEnd()
  }
  const readHead = (): boolean => {
    const text = take(lineEnd + lineEnd)
    if (text === null) return false
    const head = parseHead(text)
    const isChunked = head.headers['transfer-encoding'] === 'chunked'
    left = Number(head.headers['content-length'] ?? Infinity)
    state = isChunked ? 'size' : 'body'
    onHead(head)
    return true
  }
  const readSize = (): boolean => {
    const text = take(lineEnd)
    if (text === null) return false
    if (!/^[0-9a-f]+$/i.test(text)) throw new Error(`no size of a chunk: ${text.slice(0, 80)}`)
    left = Number.parseInt(text, 16)
    state = left === 0 ? 'trailer' : 'chunk'
    return true
  }
  const readBytes = (next: 'chunkEnd' | null): boolean => {
    const part = waiting.subarray(0, Math.min(left, waiting.length))
    waiting = waiting.subarray(part.length)
    left -= part.length
    if (part.length > 0) onBody(part)
    if (left > 0) return false
    if (next === null) end()
    else state = next
    return true
  }
  const readChunkEnd = (): boolean => {
    if (waiting.length < lineEnd.length) return false
    if (take(lineEnd) !== '') throw new Error('a chunk longer than it says')
    state = 'size'
    return true
  }
  const readTrailer = (): boolean => {
    if (take(lineEnd) === null) return false
    end()
    return true
  }
  const step = (): boolean => {
    switch (state) {
      case 'head':
        return readHead()
      case 'size':
        return readSize()
      case 'chunk':
        return readBytes('chunkEnd')
      case 'chunkEnd':
        return readChunkEnd()
      case 'trailer':
        return readTrailer()
      case 'body':
        return readBytes(null)
      case 'done':
        return false
    }
  }
  return {
    feed(bytes) {
      waiting = waiting.length === 0 ? bytes : Buffer.concat([waiting, bytes])
      while (step());
    },
  }
}
