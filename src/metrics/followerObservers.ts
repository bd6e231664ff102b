// Counts what is given to the streams to clients, and how they end.

import { resetReasons } from '../app/follow.ts'
import { streamEnds, type StreamObserver } from '../http/stream/eventStream.ts'
import { createCounter } from './instruments.ts'

export const createFollowers = () => {
  const events = createCounter({
    name: 'orders_stream_events_total',
    help: 'Events that were given to streams, each as often as there were streams for it.',
  })
  const ends = createCounter({
    name: 'orders_stream_ends_total',
    help: 'Streams that ended, by reason: client (it left), lagging (it read too slowly), credential (expired or revoked), shutdown.',
    labels: ['reason'],
  })
  const resets = createCounter({
    name: 'orders_stream_resets_total',
    help: 'Streams whose cursor could not be resumed, so that they began anew, by reason.',
    labels: ['reason'],
  })
  // An alert on the first one needs a zero before it.
  for (const end of streamEnds) ends.of(end)
  for (const reason of resetReasons) resets.of(reason)
  const given = events.of()
  const stream: StreamObserver = {
    onEvents: (count) => given.add(count),
    onEnd: (end) => ends.of(end).add(),
    onReset: (reason) => resets.of(reason).add(),
  }
  return { stream, instruments: [events, ends, resets] }
}
