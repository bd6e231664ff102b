// Sends spans in batches to a collector over OTLP/HTTP, with OpenTelemetry's own SDK. A trace that arrives with a sampling decision keeps
// it; a new trace is sampled with the probability `ratio`. Spans that a slow collector does not accept in time are dropped: nothing waits.

import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags, type Context } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace'
import { describe, type Log } from './log.ts'
import type { Span, Tracing } from './tracing.ts'

export type OtlpOptions = {
  /** The collector's address for traces, with its path. */
  url: string
  serviceName: string
  serviceVersion: string
  /** Differs between replicas. */
  instanceId: string
  /** The share of new traces that are sampled, 0 to 1. */
  ratio: number
  random: () => number
  log: Log
}

const limits = { maxQueueSize: 8_192, maxExportBatchSize: 512, scheduledDelayMillis: 1_000, exportTimeoutMillis: 5_000 }
const stopMs = 6_000

/** Logs failed exports; the library itself says nothing of them. */
const withFailureLog = (exporter: SpanExporter, log: Log): SpanExporter => ({
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
  // The exporter itself reads its headers, which may be secret, from OTEL_EXPORTER_OTLP_HEADERS.
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: limits.exportTimeoutMillis })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': serviceName,
      'service.version': serviceVersion,
      'service.instance.id': instanceId,
    }),
    // `start` decides about sampling before it makes a span: most traces are not sampled, and those must cost nothing.
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new BatchSpanProcessor({ exporter: withFailureLog(exporter, log), ...limits })],
  })
  const tracer = provider.getTracer('orders', serviceVersion)

  const start: Tracing['start'] = ({ name, kind, parent, startMs }): Span | null => {
    const context = parent === null ? null : parentOf(parent)
    if (context === null ? random() >= ratio : !context.sampled) return null
    const startTime = startMs === undefined ? {} : { startTime: startMs }
    const span = tracer.startSpan(
      name,
      { kind: SpanKind[kind], ...startTime },
      context === null ? ROOT_CONTEXT : contextOf(context),
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
