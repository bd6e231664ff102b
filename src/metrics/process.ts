// The process as its runtime and the system see it, under the names that every client library of Prometheus uses, and how late
// its event loop is.

import { readdirSync } from 'node:fs'
import { createHistogram } from './instruments.ts'
import type { Metric, MetricDeclaration } from './metric.ts'

const fdFolder = '/proc/self/fd'

/** Null where the system does not say: only Linux does. */
const openFiles = (): number | null => {
  try {
    return readdirSync(fdFolder).length
  } catch {
    return null
  }
}

const processorSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

type ProcessMetric = MetricDeclaration & { read: () => number | null }

export const processDeclarations: readonly ProcessMetric[] = [
  {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'Processor time, user and system.',
    read: processorSeconds,
  },
  {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Memory that the process holds in all.',
    read: () => process.memoryUsage().rss,
  },
  {
    name: 'process_heap_bytes',
    type: 'gauge',
    help: 'Memory that JavaScript objects take.',
    read: () => process.memoryUsage().heapUsed,
  },
  {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'When the process started, in seconds since 1970.',
    read: () => performance.timeOrigin / 1000,
  },
  {
    name: 'process_open_fds',
    type: 'gauge',
    help: 'Open files and connections. On Linux only.',
    read: openFiles,
  },
]

export const processMetrics = (): Metric[] =>
  processDeclarations.flatMap(({ read, ...declaration }) => {
    const value = read()
    return value === null ? [] : [{ ...declaration, samples: [{ value }] }]
  })

const lookEveryMs = 100

export const loopLagDeclaration = {
  name: 'orders_event_loop_lag_seconds',
  type: 'histogram',
  help: `How late a timer of ${lookEveryMs} ms was: something else kept the event loop.`,
  buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
} as const satisfies MetricDeclaration & { buckets: readonly number[] }

/**
 * A timer that measures how late it is. (Runtimes have their own measure, but only with a maximum since it was last asked, and
 * of two who ask, each would take the other's.) Whatever blocks the loop delays one look, so it is one value however long.
 */
export const watchEventLoop = (): (() => Metric) => {
  const lag = createHistogram(loopLagDeclaration)
  const series = lag.of()
  let due = performance.now() + lookEveryMs
  const look = (): void => {
    const now = performance.now()
    series.observe(Math.max(0, now - due) / 1000)
    due = now + lookEveryMs
    next()
  }
  const next = (): void => void setTimeout(look, lookEveryMs).unref()
  next()
  return lag.metric
}
