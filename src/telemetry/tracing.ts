// Traces connect work across services. A W3C trace context arrives with a request or a trade and leaves with the events. This service
// makes spans only if an exporter is configured (otlp.ts) and the trace is sampled.

/** OpenTelemetry's names: answers a request, sends a message, receives one. */
type SpanKind = 'SERVER' | 'PRODUCER' | 'CONSUMER'
export type Attributes = Readonly<Record<string, string | number | boolean | readonly string[]>>

/** A piece of work whose time is measured. */
export type Span = {
  /** The parent for work on behalf of this span. */
  readonly traceparent: string
  end: (attributes: Attributes, outcome?: 'failed') => void
}

type SpanStart = {
  name: string
  kind: SpanKind
  /** The valid `traceparent` that arrived with the work. */
  parent: string | null
  /** Milliseconds since 1970; by default now. */
  startMs?: number
}

export type Tracing = {
  /** @returns null if the trace is not sampled */
  start: (span: SpanStart) => Span | null
  /** Exports the spans that wait; takes at most some seconds. */
  stop: () => Promise<void>
}

export const noTracing: Tracing = { start: () => null, stop: () => Promise.resolve() }

/** W3C trace context, version 00, with ids that are not all zero. */
export const traceparentPattern = '^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$'
const traceContext = new RegExp(traceparentPattern)

/** @returns the text, or null if it is no valid `traceparent` */
export const traceparentOf = (text: string | null | undefined): string | null =>
  text !== null && text !== undefined && traceContext.test(text) ? text : null

/** The headers of a Kafka message. The format allows a header without a value, and some clients leave out the name. */
type MessageHeaders = Iterable<readonly [name: Buffer | null, value: Buffer | null]>

export const messageTraceparent = (headers: MessageHeaders): string | null => {
  for (const [name, value] of headers)
    if (value?.length === traceparentLength && name?.toString() === 'traceparent')
      return traceparentOf(value.toString())
  return null
}
const traceparentLength = 55
