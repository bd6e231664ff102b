// The stream of orders.v1.Orders.Watch: the same stream that HTTP sends as server-sent events, one message a block. It is pulled: the next
// block is asked for once the connection took the last message, so a slow reader holds up nobody but itself.

import type { ServerWritableStream } from '@grpc/grpc-js'
import { describe } from '../telemetry/log.ts'
import { parseAnswer, readAnswer } from './answers.ts'
import { headersOf, visitOf, type Door, type Visit } from './door.ts'
import type { Plain, Received } from './messages.ts'
import { queryOf } from './orders.ts'
import { createOutgoing, type Outgoing } from './outgoing.ts'
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

type Reader = { read: () => Promise<{ done: boolean; value?: Uint8Array | undefined }> }

/** Ends when the stream does, or its reader is canceled. */
async function* blocksOf(reader: Reader): AsyncGenerator<Block> {
  const decoder = new TextDecoder()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const texts = (rest + decoder.decode(value, { stream: true })).split('\n\n')
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

/** How long a client may take nothing before it is told otherwise, in ms. */
const patienceMs = 30_000

type Answering = { body: ReadableStream<Uint8Array>; outgoing: Outgoing; endOf: () => End }

const pump = async (call: Call, { body, outgoing, endOf }: Answering): Promise<void> => {
  const reader = body.getReader()
  call.once('cancelled', () => void reader.cancel())
  // Whoever left while its credential was looked at is not heard of again.
  if (call.cancelled) return reader.cancel()
  let cursor: string | null = null
  for await (const block of blocksOf(reader)) {
    if (call.cancelled) return
    cursor = block.cursor ?? cursor
    // The last comment of a stream that ends is for a person; its cursor goes along with the status.
    const isLast = block.event === '' && endOf() !== 'client'
    const message = isLast ? null : messageOf(block)
    if (message !== null) await outgoing.write(message)
  }
  if (call.cancelled) return
  const metadata: Record<string, string> = cursor === null ? {} : { cursor }
  call.emit('error', statusOf({ ...ends[endOf()], metadata }))
}

const follow = async (call: Call, door: Door): Promise<void> => {
  if (!call.request.ok) return void call.emit('error', malformed(call.request.detail))
  const url = `http://grpc/orders/stream${queryOf(call.request.value)}`
  const request = new Request(url, { headers: headersOf(call.metadata) })
  const outgoing = createOutgoing(call, patienceMs)
  let end: End = 'client'
  const response = await door.call('streamOrders', {
    request,
    visit: { ...visitOf('Watch', call), onSilence: outgoing.setPatience, onStreamEnd: (why) => (end = why) },
  })
  if (response.status === 200) return pump(call, { body: response.body!, outgoing, endOf: () => end })
  const answer = await readAnswer(response)
  if (!answer.ok) call.emit('error', answer.status)
}

/** Answers a call with a stream; never throws. */
export const watch =
  (door: Door) =>
  async (call: Call): Promise<void> => {
    try {
      await follow(call, door)
    } catch (error) {
      door.log.error('a gRPC stream failed', describe(error))
      call.emit('error', failed())
    }
  }
