// A client of a stream of server-sent events, as the HTML standard (9.2.6) has it: it keeps every block, and the last id.

import { until } from './until.ts'

export type Block = {
  /** The name of the event; undefined: the block dispatches nothing. */
  event?: string
  /** The data as JSON. */
  data?: unknown
  id?: string
  retry?: number
  comment?: string
}

export type EventStreamClient = {
  status: number
  headers: Headers
  blocks: Block[]
  /** The blocks with an event, in order. */
  events: () => (Block & { event: string })[]
  lastId: () => string | null
  /** Resolves with the first block that passes. */
  seen: (is: (block: Block) => boolean, what: string) => Promise<Block>
  /** Whether the other side has ended it. */
  isOver: () => boolean
  ended: Promise<void>
  close: () => void
}

const parseBlock = (text: string): Block => {
  const block: Block = {}
  const data: string[] = []
  for (const line of text.split('\n')) {
    const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/.exec(line)!
    if (field === '') block.comment = value
    if (field === 'event') block.event = value
    if (field === 'id') block.id = value
    if (field === 'retry') block.retry = Number(value)
    if (field === 'data') data.push(value)
  }
  if (data.length > 0) block.data = JSON.parse(data.join('\n'))
  else delete block.event
  return block
}

export type EventStreamOptions = {
  headers?: Record<string, string>
  /** Called with every block as it comes. */
  onBlock?: (block: Block) => void
}

export const openEventStream = async (
  url: string,
  { headers = {}, onBlock = () => undefined }: EventStreamOptions = {},
): Promise<EventStreamClient> => {
  const abort = new AbortController()
  const response = await fetch(url, { headers, signal: abort.signal, tls: { rejectUnauthorized: false } })
  const blocks: Block[] = []
  let lastId: string | null = null
  let isOver = false
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of response.body!) {
      const texts = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
      rest = texts.pop()!
      for (const text of texts) {
        const block = parseBlock(text)
        lastId = block.id ?? lastId
        blocks.push(block)
        onBlock(block)
      }
    }
  }
  const ended = read()
    // Cut off, or closed by us: it is over in any case.
    .catch(() => undefined)
    .finally(() => (isOver = true))
  return {
    status: response.status,
    headers: response.headers,
    blocks,
    events: () => blocks.filter((block): block is Block & { event: string } => block.event !== undefined),
    lastId: () => lastId,
    seen: (is, what) => until(() => blocks.find(is), { what }),
    isOver: () => isOver,
    ended,
    close: () => abort.abort(),
  }
}
