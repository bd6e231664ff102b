// The metrics of one process: what the parts tell as it happens, what they know when the page is asked for, and the process.

import { metricsText } from './metric.ts'
import { createObservers, type Observers } from './observers.ts'
import { processMetrics, watchEventLoop } from './process.ts'
import { stateMetrics, type StateSource } from './state.ts'

export type Metrics = {
  observers: Observers
  /** The page in Prometheus' text format, as everything is now. */
  page: (source: StateSource) => string
}

export const createMetrics = (): Metrics => {
  const observers = createObservers()
  const loopLag = watchEventLoop()
  const page = (source: StateSource): string =>
    metricsText([...stateMetrics(source), ...observers.metrics(), loopLag(), ...processMetrics()])
  return { observers, page }
}
