// Memory, processor time and open files of the process, under the names that every client library of Prometheus uses; and how late its
// event loop is.

import { readdirSync } from 'node:fs'
import { createHistogram } from './instruments.ts'
import type { Metric, MetricDeclaration } from './metric.ts'

const fdFolder = '/proc/self/fd'

/** @returns null on systems that do not say: only Linux does */
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

const timerMs = 100

export const loopLagDeclaration = {
  name: 'orders_event_loop_lag_seconds',
  type: 'histogram',
  help: `How late a timer of ${timerMs} ms was: something else kept the event loop.`,
  buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
} as const satisfies MetricDeclaration & { buckets: readonly number[] }

/**
 * Starts a timer that measures how late it is. (The runtime's own measure is the maximum since the last read, so two
 * readers would take it from each other.) A blocked loop delays one run of the timer, so one blockage is one value, however long it lasts.
 */
export const watchEventLoop = (): (() => Metric) => {
  const lag = createHistogram(loopLagDeclaration)
  const series = lag.of()
  let due = performance.now() + timerMs
  const measure = (): void => {
    const now = performance.now()
    series.observe(Math.max(0, now - due) / 1000)
    due = now + timerMs
    next()
  }
  const next = (): void => void setTimeout(measure, timerMs).unref()
  next()
  return lag.metric
}
