// Traces: which work belongs together, across services. A W3C trace context comes with a request or a trade, and goes along with the
// events. Spans of our own exist only where an exporter is configured (otlp.ts) and the trace is sampled.

/** As OpenTelemetry has them: who waits for an answer, who sends a message, who takes one. */
type SpanKind = 'SERVER' | 'PRODUCER' | 'CONSUMER'
type Attributes = Readonly<Record<string, string | number | boolean | readonly string[]>>

/** A stretch of work that is being timed. */
export type Span = {
  /** What those who work on its behalf get as their parent. */
  readonly traceparent: string
  end: (attributes: Attributes, outcome?: 'failed') => void
}

type SpanStart = {
  name: string
  kind: SpanKind
  /** The valid `traceparent` that it came with. */
  parent: string | null
  /** Milliseconds since 1970; now where it is left out. */
  startMs?: number
}

export type Tracing = {
  /** Null where the trace is not sampled. */
  start: (span: SpanStart) => Span | null
  /** Exports what waits, within a bound of time. */
  stop: () => Promise<void>
}

export const noTracing: Tracing = { start: () => null, stop: () => Promise.resolve() }

/** W3C trace context, version 00, with ids that are not all zero. */
export const traceparentPattern = '^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$'
const traceContext = new RegExp(traceparentPattern)

/** The text where it is a valid `traceparent`, else null. */
export const traceparentOf = (text: string | null | undefined): string | null =>
  text !== null && text !== undefined && traceContext.test(text) ? text : null

/** Of a Kafka message. Its format allows a header to have no value, and some clients leave out the name. */
type MessageHeaders = Iterable<readonly [name: Buffer | null, value: Buffer | null]>

export const messageTraceparent = (headers: MessageHeaders): string | null => {
  for (const [name, value] of headers)
    if (value?.length === traceparentLength && name?.toString() === 'traceparent')
      return traceparentOf(value.toString())
  return null
}
const traceparentLength = 55
