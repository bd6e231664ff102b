// What follows the log: the use cases over the tail, and the streams that are open.

import type { Follow } from '../app/follow.ts'
import { createStreams, type StreamUseCases } from '../app/streams.ts'
import type { Config } from '../config/config.ts'
import { createOpenStreams, type OpenStreams } from '../http/stream/openStreams.ts'
import type { Observers } from '../metrics/observers.ts'

export type Streams = {
  streams: StreamUseCases
  openStreams: OpenStreams
  /** Ends every stream: what the tail has for them goes out first. Their clients connect again, to another replica. */
  end: () => void
}

/** How long the clients have to take the rest. */
const graceMs = 2_000

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
