// Settings of what the service says about itself: its log and its traces.

import { levels, type Level } from '../telemetry/log.ts'
import { oneOf, optional, share, text } from './readers.ts'
import type { Setting } from './setting.ts'

export const telemetrySettings = {
  LOG_LEVEL: {
    read: oneOf(levels, 'info' satisfies Level),
    note: '`debug`, `info`, `warn` or `error`.',
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    read: optional(/^https?:\/\/[^\s?#]+$/, 'must be an http or https URL'),
    note: 'A collector of traces, such as `http://collector:4318`. Without it there are no traces.',
  },
  // Read once more by the exporter itself; here it is only judged.
  OTEL_EXPORTER_OTLP_HEADERS: {
    read: optional(
      /^[^\s=,]+=(?:[!-$&-+.-~-]|%[0-7][0-9A-Fa-f])*(,\s*[^\s=,]+=(?:[!-$&-+.-~-]|%[0-7][0-9A-Fa-f])*)*$/,
      'must be name=value, comma-separated, values percent-encoded',
    ),
    note: 'Headers for the collector: `name=value`, comma-separated, values percent-encoded.',
    secret: true,
  },
  OTEL_SERVICE_NAME: {
    read: text('orders', /^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable characters without spaces'),
    note: 'The name of the service in traces.',
  },
  OTEL_TRACES_SAMPLER_ARG: {
    read: share(0.01),
    note: 'The share of new traces that are taken, from 0 to 1. A trace that came with a decision keeps it.',
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>
