// The traces of inbound messages. The trace context of a message goes into the log. If the trace is sampled, a span shows how long the message
// took and the dispositions of what is in it.

import type { Source } from '../../store/fills.ts'
import { messageTraceparent, type Tracing } from '../../telemetry/tracing.ts'
import { coordinatesText } from '../../wire/coordinates.ts'
import type { RawMessage } from '../client.ts'

export type Trace = { traceparent?: string }

/** The log fields of the trace that a message belongs to. */
export const traceOf = ({ headers }: RawMessage): Trace => {
  const traceparent = messageTraceparent(headers)
  return traceparent === null ? {} : { traceparent }
}

/** Starts a span for each message that came with a sampled trace. */
export const startSpans = (messages: Iterable<[string, RawMessage]>, tracing: Tracing) =>
  new Map(
    [...messages].flatMap(([at, message]) => {
      const parent = messageTraceparent(message.headers)
      const name = `process ${message.topic}`
      const span = parent === null ? null : tracing.start({ name, kind: 'CONSUMER', parent })
      return span === null ? [] : [[at, { span, message, dispositions: [] as string[] }] as const]
    }),
  )

/** What became of something in the message that came from there. */
type Outcome = { received: { source: Source }; disposition: string }

/** Ends the spans. The attributes have OpenTelemetry's names for messaging. */
export const endSpans = (spans: ReturnType<typeof startSpans>, outcomes: readonly Outcome[]): void => {
  if (spans.size === 0) return
  for (const { received, disposition } of outcomes)
    spans.get(coordinatesText(received.source))?.dispositions.push(disposition)
  for (const { span, message, dispositions } of spans.values())
    span.end({
      'messaging.system': 'kafka',
      'messaging.operation.type': 'process',
      'messaging.destination.name': message.topic,
      'messaging.destination.partition.id': String(message.partition),
      'messaging.kafka.offset': Number(message.offset),
      'orders.dispositions': dispositions.length === 0 ? ['MALFORMED'] : dispositions,
    })
}
