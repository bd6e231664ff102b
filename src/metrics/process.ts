// The process as its runtime and the system see it, under the names that every client library of Prometheus uses, and how late
// its event loop is.

import { readdirSync } from 'node:fs'
import { createHistogram } from './instruments.ts'
import { counter, gauge, type Metric } from './metric.ts'

const fdFolder = '/proc/self/fd'

/** Only Linux tells. */
const openFiles = (): Metric[] => {
  try {
    return [gauge('process_open_fds', 'Open files and connections.', readdirSync(fdFolder).length)]
  } catch {
    return []
  }
}

export const processMetrics = (): Metric[] => {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  return [
    counter('process_cpu_seconds_total', 'Processor time, user and system.', (user + system) / 1e6),
    gauge('process_resident_memory_bytes', 'Memory that the process holds.', rss),
    gauge('process_heap_bytes', 'Of it, what JavaScript objects take.', heapUsed),
    gauge(
      'process_start_time_seconds',
      'When the process started, in seconds since 1970.',
      performance.timeOrigin / 1000,
    ),
    ...openFiles(),
  ]
}

const lookEveryMs = 100

/**
 * A timer that measures how late it is. (Runtimes have their own measure, but only with a maximum since it was last asked, and
 * of two who ask, each would take the other's.) Whatever blocks the loop delays one look, so it is one value however long.
 */
export const watchEventLoop = (): (() => Metric) => {
  const lag = createHistogram({
    name: 'orders_event_loop_lag_seconds',
    help: 'How late a timer of 100 ms was: something else kept the event loop.',
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  })
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
