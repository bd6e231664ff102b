// The metrics of one process: what its parts report as it happens, their state when the page is requested, and the process itself.

import { metricsText, type MetricDeclaration } from './metric.ts'
import { createObservers, type Observers } from './observers.ts'
import { loopLagDeclaration, processDeclarations, processMetrics, watchEventLoop } from './process.ts'
import { stateDeclarations, stateMetrics } from './state.ts'
import type { StateSource } from './stateMetric.ts'

export type Metrics = {
  observers: Observers
  /** The page in Prometheus' text format, with the state as it is now. */
  page: (source: StateSource) => string
}

export const createMetrics = (): Metrics => {
  const observers = createObservers()
  const loopLag = watchEventLoop()
  const page = (source: StateSource): string =>
    metricsText([...stateMetrics(source), ...observers.metrics(), loopLag(), ...processMetrics()])
  return { observers, page }
}

/** Every metric of the page, sorted by name. Needs no running service. */
export const declaredMetrics = (): MetricDeclaration[] =>
  [...stateDeclarations, ...createObservers().metrics(), loopLagDeclaration, ...processDeclarations].toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  )
