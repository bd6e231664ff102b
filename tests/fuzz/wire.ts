// A client that sends exactly the bytes of its argument and reads exactly the bytes of the answer, over a connection that it
// keeps as long as the server does. fetch would correct both.

import type { Socket } from 'bun'

export type Answer = { status: number; headers: Map<string, string>; head: string; body: string }

/** `answers`: all that came, in order. `ended`: how it stopped. */
type Exchange = { answers: Answer[]; ended: 'complete' | 'closed' | 'silent'; rest: string; ms: number }

type SendOptions = {
  /** How many answers to wait for. */
  answers: number
  /** The answer to HEAD has no body. */
  headOnly: boolean
  timeoutMs: number
}

export type Wire = {
  send: (bytes: Uint8Array, options: SendOptions) => Promise<Exchange>
  /** Sends and hangs up. */
  abandon: (bytes: Uint8Array, afterMs: number) => Promise<void>
  close: () => void
}

type Line = { socket: Socket | null; unsent: Uint8Array; received: Buffer; open: boolean; onChange: () => void }

const parseHead = (head: string): Pick<Answer, 'status' | 'headers'> => {
  const [first = '', ...lines] = head.split('\r\n')
  const headers = lines.map(
    (line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const,
  )
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0), headers: new Map(headers) }
}

/** The first whole answer in `bytes` and what follows it; null while there is none. `ended`: nothing more will come. */
const cutAnswer = (bytes: Buffer, headOnly: boolean, ended: boolean): { answer: Answer; rest: Buffer } | null => {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return null
  const head = bytes.subarray(0, end).toString('latin1')
  const { status, headers } = parseHead(head)
  const after = bytes.subarray(end + 4)
  // An interim answer is followed by the real one.
  if (status >= 100 && status < 200) return cutAnswer(after, headOnly, ended)
  const declared = headers.get('content-length')
  const length =
    headOnly || status === 204 || status === 304
      ? 0
      : declared === undefined
        ? ended || headers.get('connection') === 'close'
          ? after.length
          : -1
        : Number(declared)
  if (length === -1 || after.length < length) return null
  return { answer: { status, headers, head, body: after.subarray(0, length).toString() }, rest: after.subarray(length) }
}

const flush = (line: Line): void => {
  if (line.socket === null || line.unsent.length === 0) return
  const written = line.socket.write(line.unsent)
  if (written > 0) line.unsent = line.unsent.subarray(written)
}

const dial = async (port: number): Promise<Line> => {
  const line: Line = {
    socket: null,
    unsent: new Uint8Array(),
    received: Buffer.alloc(0),
    open: true,
    onChange: () => undefined,
  }
  const over = (): void => {
    line.open = false
    line.onChange()
  }
  line.socket = await Bun.connect({
    hostname: '127.0.0.1',
    port,
    socket: {
      data(_, chunk) {
        line.received = Buffer.concat([line.received, chunk])
        line.onChange()
      },
      drain: () => flush(line),
      close: over,
      error: over,
      end: over,
    },
  })
  return line
}

const collect = (line: Line, { answers: wanted, headOnly, timeoutMs }: SendOptions): Promise<Exchange> => {
  const { promise, resolve } = Promise.withResolvers<Exchange>()
  const startedAt = performance.now()
  const answers: Answer[] = []
  const end = (ended: Exchange['ended']): void => {
    clearTimeout(timer)
    line.onChange = () => undefined
    resolve({ answers, ended, rest: line.received.toString('latin1'), ms: performance.now() - startedAt })
  }
  const look = (): void => {
    for (
      let cut = cutAnswer(line.received, headOnly, !line.open);
      cut !== null;
      cut = cutAnswer(line.received, headOnly, !line.open)
    ) {
      answers.push(cut.answer)
      line.received = cut.rest
      if (answers.length === wanted) return end('complete')
    }
    if (!line.open) end('closed')
  }
  const timer = setTimeout(() => end('silent'), timeoutMs)
  line.onChange = look
  look()
  return promise
}

export const createWire = (port: number): Wire => {
  let line: Line | null = null
  const drop = (): void => {
    line?.socket?.terminate()
    line = null
  }
  const dialled = async (): Promise<Line> => {
    if (line === null || !line.open) line = await dial(port)
    return line
  }
  return {
    async send(bytes, options) {
      const own = await dialled()
      own.unsent = bytes
      const collecting = collect(own, options)
      flush(own)
      const exchange = await collecting
      const last = exchange.answers.at(-1)
      const reusable = exchange.ended === 'complete' && own.unsent.length === 0 && own.received.length === 0
      if (!reusable || last?.headers.get('connection') === 'close') drop()
      return exchange
    },
    async abandon(bytes, afterMs) {
      drop()
      const own = await dialled()
      own.unsent = bytes
      flush(own)
      await Bun.sleep(afterMs)
      drop()
    },
    close: drop,
  }
}
