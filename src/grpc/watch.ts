// The stream of orders.v1.Orders.Watch: the same stream that HTTP sends as server-sent events, one message a block. It is pulled: the next
// block is asked for once the connection took the last message, so a slow reader holds up nobody but itself.

import type { ServerWritableStream } from '@grpc/grpc-js'
import { describe } from '../telemetry/log.ts'
import { parseAnswer, readAnswer } from './answers.ts'
import { headersOf, visitOf, type Door, type Visit } from './door.ts'
import type { Plain, Received } from './messages.ts'
import { queryOf } from './orders.ts'
import { failed, malformed, statusOf } from './status.ts'

type Call = ServerWritableStream<Received, Plain>
type End = Parameters<NonNullable<Visit['onStreamEnd']>>[0]

/** One block of the stream by its fields; a comment has the event ''. */
type Block = { event: string; cursor: string | null; data: string }

const blockOf = (text: string): Block => {
  const block: Block = { event: '', cursor: null, data: '' }
  for (const line of text.split('\n')) {
    if (line.startsWith('event: ')) block.event = line.slice(7)
    else if (line.startsWith('id: ')) block.cursor = line.slice(4)
    else if (line.startsWith('data: ')) block.data = line.slice(6)
    else if (line.startsWith('retry: ')) block.event = 'retry'
  }
  return block
}

async function* blocksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Block> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const texts = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
    rest = texts.pop()!
    for (const text of texts) yield blockOf(text)
  }
}

/** The message of a block; null: it says nothing to a client of gRPC. */
const messageOf = ({ event, cursor, data }: Block): Plain | null => {
  const own = cursor === null ? {} : { cursor }
  switch (event) {
    case 'snapshot':
      return { ...own, snapshot: parseAnswer(data) }
    case 'live':
      return { ...own, live: {} }
    case 'order':
      return { ...own, order: parseAnswer(data) }
    case 'reset':
      return { ...own, reset: parseAnswer(data) }
    case 'lagging':
      return { ...own, lagging: {} }
    case '':
      return { ...own, heartbeat: {} }
    default:
      return null
  }
}

const ends = {
  client: { code: 'STOPPING', detail: 'the client left' },
  lagging: { code: 'LAGGING', detail: 'you read too slowly: resume from the cursor' },
  credential: { code: 'UNAUTHORIZED', detail: 'the credential is not good any more' },
  shutdown: { code: 'STOPPING', detail: 'the service stops: connect again, from the cursor' },
} as const satisfies Record<End, { code: string; detail: string }>

/** Resolves once the connection took what waits, or the client is gone. */
const drained = (call: Call): Promise<void> =>
  new Promise((resolve) => {
    if (call.cancelled) return resolve()
    call.once('drain', resolve)
    call.once('cancelled', resolve)
  })

const pump = async (call: Call, body: ReadableStream<Uint8Array>, endOf: () => End): Promise<void> => {
  let cursor: string | null = null
  for await (const block of blocksOf(body)) {
    if (call.cancelled) return
    cursor = block.cursor ?? cursor
    // The last comment of a stream that ends is for a person; its cursor goes along with the status.
    const isLast = block.event === '' && endOf() !== 'client'
    const message = isLast ? null : messageOf(block)
    if (message !== null && !call.write(message)) await drained(call)
  }
  if (call.cancelled) return
  const metadata: Record<string, string> = cursor === null ? {} : { cursor }
  call.emit('error', statusOf({ ...ends[endOf()], metadata }))
}

export const watch =
  (door: Door) =>
  async (call: Call): Promise<void> => {
    try {
      if (!call.request.ok) return void call.emit('error', malformed(call.request.detail))
      const request = new Request(`http://grpc/orders/stream${queryOf(call.request.value)}`, {
        headers: headersOf(call.metadata),
      })
      let end: End = 'client'
      const visit: Visit = { ...visitOf('Watch', call), onStreamEnd: (why) => (end = why) }
      const response = await door.call('streamOrders', { request, visit })
      if (response.status !== 200) {
        const answer = await readAnswer(response)
        return void (answer.ok || call.emit('error', answer.status))
      }
      const [body] = [response.body!]
      const leave = new AbortController()
      call.once('cancelled', () => leave.abort())
      const own = body.pipeThrough(new TransformStream(undefined, undefined, { highWaterMark: 0 }), {
        signal: leave.signal,
      })
      await pump(call, own, () => end).catch((error: unknown) => {
        if (!call.cancelled) throw error
      })
    } catch (error) {
      door.log.error('a gRPC stream failed', describe(error))
      call.emit('error', failed())
    }
  }
