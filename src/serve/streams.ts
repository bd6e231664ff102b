// What follows the log: the use cases over the tail, and the streams that are open.

import type { Follow } from '../app/follow.ts'
import { createStreams, type StreamUseCases } from '../app/streams.ts'
import type { Config } from '../config/config.ts'
import { createOpenStreams, type OpenStreams } from '../http/stream/openStreams.ts'
import type { Observers } from '../metrics/observers.ts'
import type { Database, Pool } from '../store/sql.ts'
import { createTail, type Tail } from '../tail/tail.ts'
import type { Log } from '../telemetry/log.ts'
import { writeEvent } from '../wire/event.ts'
import { openPool } from './service.ts'

export type Streams = {
  streams: StreamUseCases
  openStreams: OpenStreams
  /** Ends every stream: what the tail has for them goes out first. Their clients connect again, to another replica. */
  end: () => void
}

/** How long clients have to take what the tail still has for them. */
const graceMs = 2_000

/** Of the ring. Its bytes bound it long before that. */
const ringEventsMax = 100_000

type TailParts = { config: Config; observers: Observers; lists: Database; now: () => Date; log: Log }

export const openTail = ({ config, observers, lists, now, log }: TailParts): { tail: Tail; pool: Pool } => {
  const pool = openPool(config, 'events', observers)
  const tail = createTail({
    db: pool,
    lanes: config.DB_EVENT_CONNECTIONS - 1,
    lists,
    write: writeEvent,
    pollMs: config.EVENTS_POLL_MS,
    ring: { eventsMax: ringEventsMax, bytesMax: config.EVENTS_RING_MAX_BYTES },
    bufferMaxBytes: config.STREAM_BUFFER_MAX_BYTES,
    gatherMs: config.STREAM_GATHER_MS,
    cursorMaxAgeMs: config.EVENTS_CURSOR_MAX_AGE_MS,
    resumeMaxEvents: config.EVENTS_RESUME_MAX_EVENTS,
    now,
    log,
  })
  return { tail, pool }
}

export const openStreamsOver = (follow: Follow, config: Config, observers: Observers): Streams => {
  const openStreams = createOpenStreams()
  const limits = { max: config.STREAMS_MAX, perCallerMax: config.STREAMS_PER_CALLER_MAX }
  return {
    streams: createStreams({ follow, ...limits, onRefusal: observers.refusal }),
    openStreams,
    end() {
      follow.close()
      openStreams.end(graceMs)
    },
  }
}
