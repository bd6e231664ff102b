// A collector of traces as the service sees one: takes OTLP over HTTP in its JSON form, and keeps the spans.

import { until } from './until.ts'

type Value = { stringValue?: string; intValue?: number | string; arrayValue?: { values: Value[] } }
type Attribute = { key: string; value: Value }
type RawSpan = {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: Attribute[]
  status: { code: number }
}
type Export = {
  resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: RawSpan[] }[] }[]
}

export type CollectedSpan = {
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  name: string
  kind: 'SERVER' | 'PRODUCER' | 'CONSUMER'
  attributes: Record<string, unknown>
  resource: Record<string, unknown>
  failed: boolean
  nanoseconds: bigint
}

// The numbers are the protocol's.
const kinds: Record<number, CollectedSpan['kind']> = { 2: 'SERVER', 4: 'PRODUCER', 5: 'CONSUMER' }
const failedCode = 2

const valueOf = ({ stringValue, intValue, arrayValue }: Value): unknown =>
  arrayValue === undefined ? (stringValue ?? Number(intValue)) : arrayValue.values.map(valueOf)
const membersOf = (attributes: readonly Attribute[]): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)]))

const spansOf = ({ resourceSpans }: Export): CollectedSpan[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId,
        name: span.name,
        kind: kinds[span.kind]!,
        attributes: membersOf(span.attributes),
        resource: membersOf(resource.attributes),
        failed: span.status.code === failedCode,
        nanoseconds: BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano),
      })),
    ),
  )

/** `headers` answers those of the last export. */
export type Collector = AsyncDisposable & {
  url: string
  spans: CollectedSpan[]
  headers: () => Headers
  /** Waits for the first span that passes the test. */
  span: (is: (span: CollectedSpan) => boolean, what: string) => Promise<CollectedSpan>
}

export const startCollector = (): Collector => {
  const spans: CollectedSpan[] = []
  let headers = new Headers()
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      if (new URL(request.url).pathname !== '/v1/traces') return new Response(null, { status: 404 })
      headers = request.headers
      spans.push(...spansOf((await request.json()) as Export))
      return Response.json({})
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}`,
    spans,
    headers: () => headers,
    async span(is, what) {
      await until(() => spans.some(is), { what })
      return spans.find(is)!
    },
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}
