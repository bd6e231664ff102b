// The metrics of one process: what the parts tell as it happens, what they know when the page is asked for, and the process.

import { metricsText, type MetricDeclaration } from './metric.ts'
import { createObservers, type Observers } from './observers.ts'
import { loopLagDeclaration, processDeclarations, processMetrics, watchEventLoop } from './process.ts'
import { stateDeclarations, stateMetrics } from './state.ts'
import type { StateSource } from './stateMetric.ts'

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

/** Every metric of the page by its name. Nothing has to run for it. */
export const declaredMetrics = (): MetricDeclaration[] =>
  [...stateDeclarations, ...createObservers().metrics(), loopLagDeclaration, ...processDeclarations].toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  )
