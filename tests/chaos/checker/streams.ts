// Reads what each stream client saw, in its order, and holds it against the log.

import { fieldsOf } from './eventContent.ts'
import type { Evidence, StreamFilter, StreamLine } from './evidence.ts'
import { follow, type Following, type World } from './following.ts'

export type StreamCounts = {
  clients: number
  connections: number
  resumptions: number
  pages: number
  snapshots: number
  snapshotOrders: number
  events: number
  repeats: number
  resets: number
  lagging: number
  /** Answers other than 200, which a client meets while replicas come and go. */
  refusals: number
}

/** While a replica starts or ends, or cannot read Postgres, or has too many streams. */
const lawfulRefusals: ReadonlySet<number> = new Set([429, 503])

type Reading = {
  name: string
  world: World
  counts: StreamCounts
  filter: StreamFilter
  following: Following | null
  slow: boolean
  drained: boolean
}

const finish = (reading: Reading, lastedToTheEnd: boolean): void => {
  const { following, counts } = reading
  if (following === null) return
  following.finish(lastedToTheEnd)
  counts.events += following.counts.events
  counts.repeats += following.counts.repeats
  counts.snapshotOrders += following.counts.snapshotOrders
  reading.following = null
}

/** The client knows nothing from here on. */
const beginAnew = (reading: Reading, hasSnapshot: boolean): Following => {
  const { name, filter, world } = reading
  finish(reading, false)
  reading.following = follow({ name: `client ${name}`, filter, hasSnapshot }, world)
  return reading.following
}

const readConnect = (reading: Reading, { connect, cursor, slow }: Extract<StreamLine, { connect: string }>): void => {
  const { counts } = reading
  counts.connections++
  reading.slow = slow
  if (cursor === null) beginAnew(reading, connect === 'stream')
  else counts.resumptions++
}

const readPage = (reading: Reading, { page, at }: Extract<StreamLine, { page: unknown }>): void => {
  const { following, counts, name, world } = reading
  const { events, cursor } = fieldsOf(page)
  counts.pages++
  if (!Array.isArray(events) || typeof cursor !== 'string' || following === null)
    return world.report('STREAM_UNLAWFUL', `client ${name}: a page without events or cursor`)
  if (!following.isLive() && events.length > 0)
    world.report('STREAM_UNLAWFUL', `client ${name}: without a cursor, a page begins with what comes next`)
  following.live(at)
  events.forEach(following.event)
}

const readEvent = (reading: Reading, { event, data, at }: Extract<StreamLine, { event: string }>): void => {
  const { counts, name, world } = reading
  const following = reading.following ?? beginAnew(reading, true)
  const isLive = following.isLive()
  switch (event) {
    case 'snapshot':
      return following.snapshot(data)
    case 'live':
      counts.snapshots++
      return following.live(at)
    case 'order':
      if (!isLive) world.report('STREAM_UNLAWFUL', `client ${name}: a change before it was live`)
      return following.event(data)
    case 'lagging':
      counts.lagging++
      if (!reading.slow) world.report('STREAM_LAGGING', `client ${name} was cut off and did not read slowly`)
      return
    case 'reset':
      counts.resets++
      world.report('STREAM_RESET', `client ${name}: ${JSON.stringify(data)}, and nothing was restored here`)
      return void beginAnew(reading, true)
    default:
      world.report('STREAM_UNLAWFUL', `client ${name}: an event called ${event}`)
  }
}

const readLine = (reading: Reading, line: StreamLine): void => {
  const { counts, name, world } = reading
  reading.drained = 'drained' in line
  if ('follow' in line) {
    finish(reading, false)
    reading.filter = line.follow
  } else if ('connect' in line) readConnect(reading, line)
  else if ('page' in line) readPage(reading, line)
  else if ('event' in line) readEvent(reading, line)
  else if ('nonsense' in line) world.report('STREAM_UNLAWFUL', `client ${name}: ${line.nonsense}`)
  else if ('refused' in line) {
    counts.refusals++
    if (line.refused === 410) {
      counts.resets++
      world.report('STREAM_RESET', `client ${name}: ${line.code}, and nothing was restored here`)
    } else if (!lawfulRefusals.has(line.refused))
      world.report('STREAM_UNLAWFUL', `client ${name} was answered ${line.refused} ${line.code}`)
  }
}

/** A client that lasted to the end of the log has to have seen all of it that it asked for. */
export const checkStreams = ({ streams }: Evidence, world: World): StreamCounts => {
  const counts: StreamCounts = {
    clients: streams.length,
    connections: 0,
    resumptions: 0,
    pages: 0,
    snapshots: 0,
    snapshotOrders: 0,
    events: 0,
    repeats: 0,
    resets: 0,
    lagging: 0,
    refusals: 0,
  }
  for (const { client, lines } of streams) {
    const reading: Reading = { name: client, world, counts, filter: {}, following: null, slow: false, drained: false }
    for (const line of lines) readLine(reading, line)
    if (!reading.drained || reading.following?.isLive() !== true)
      world.report('STREAM_NOT_DRAINED', `client ${client} did not come to the end of the log`)
    finish(reading, reading.drained)
  }
  return counts
}
