// Spans by OpenTelemetry's own SDK, sent in batches to a collector over OTLP/HTTP. Sampled: a trace that came with a decision keeps
// it, a new one is taken with `ratio`. Bounded: what a slow collector does not take in time is dropped, never waited for.

import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags, type Context } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace'
import { describe, type Log } from './log.ts'
import type { Span, Tracing } from './tracing.ts'

export type OtlpOptions = {
  /** Where the collector takes traces, with its path. */
  url: string
  serviceName: string
  serviceVersion: string
  /** Tells the replicas apart. */
  instanceId: string
  /** The share of new traces that are taken, 0 to 1. */
  ratio: number
  random: () => number
  log: Log
}

const limits = { maxQueueSize: 8_192, maxExportBatchSize: 512, scheduledDelayMillis: 1_000, exportTimeoutMillis: 5_000 }
const stopMs = 6_000

/** The library keeps the failures of an export to itself. */
const heard = (exporter: SpanExporter, log: Log): SpanExporter => ({
  export: (spans, done) =>
    exporter.export(spans, (result) => {
      if (result.error !== undefined)
        log.rarely('warn', 'traces', 'traces cannot be exported and are dropped', describe(result.error))
      done(result)
    }),
  shutdown: () => exporter.shutdown(),
  ...(exporter.forceFlush === undefined ? {} : { forceFlush: () => exporter.forceFlush!() }),
})

type Parent = { traceId: string; spanId: string; sampled: boolean }

const parentOf = (traceparent: string): Parent => ({
  traceId: traceparent.slice(3, 35),
  spanId: traceparent.slice(36, 52),
  sampled: (parseInt(traceparent.slice(53), 16) & TraceFlags.SAMPLED) !== 0,
})

const contextOf = ({ traceId, spanId }: Parent): Context =>
  trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true })

export const createOtlpTracing = (options: OtlpOptions): Tracing => {
  const { url, serviceName, serviceVersion, instanceId, ratio, random, log } = options
  // Headers, which may be secret, it reads from OTEL_EXPORTER_OTLP_HEADERS by itself.
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: limits.exportTimeoutMillis })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': serviceName,
      'service.version': serviceVersion,
      'service.instance.id': instanceId,
    }),
    // Whether a trace is taken is decided before a span is made of it: most are not, and those should cost nothing.
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new BatchSpanProcessor({ exporter: heard(exporter, log), ...limits })],
  })
  const tracer = provider.getTracer('orders', serviceVersion)

  const start: Tracing['start'] = ({ name, kind, parent, startMs }): Span | null => {
    const from = parent === null ? null : parentOf(parent)
    if (from === null ? random() >= ratio : !from.sampled) return null
    const timed = startMs === undefined ? {} : { startTime: startMs }
    const span = tracer.startSpan(
      name,
      { kind: SpanKind[kind], ...timed },
      from === null ? ROOT_CONTEXT : contextOf(from),
    )
    const { traceId, spanId } = span.spanContext()
    return {
      traceparent: `00-${traceId}-${spanId}-01`,
      end(attributes, outcome) {
        span.setAttributes(attributes)
        if (outcome === 'failed') span.setStatus({ code: SpanStatusCode.ERROR })
        span.end()
      },
    }
  }

  return {
    start,
    stop: () =>
      Promise.race([
        provider.shutdown().catch((error: unknown) => log.warn('the last traces were not exported', describe(error))),
        Bun.sleep(stopMs),
      ]),
  }
}
