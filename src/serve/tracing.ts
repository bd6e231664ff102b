// Exports traces if the configuration names a collector. Otherwise tracing costs nothing: its library is not even loaded.

import type { Config } from '../config/config.ts'
import type { Log } from '../telemetry/log.ts'
import { noTracing, type Tracing } from '../telemetry/tracing.ts'
import { version } from '../version.ts'

export const startTracing = async (config: Config, instanceId: string, log: Log): Promise<Tracing> => {
  const endpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT
  if (endpoint === '') return noTracing
  const { createOtlpTracing } = await import('../telemetry/otlp.ts')
  return createOtlpTracing({
    url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
    serviceName: config.OTEL_SERVICE_NAME,
    serviceVersion: version,
    instanceId,
    ratio: config.OTEL_TRACES_SAMPLER_ARG,
    random: Math.random,
    log,
  })
}
