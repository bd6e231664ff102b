// The vital signs of the service: is all well, and since when not.

import { useState } from 'preact/hooks'
import type { Answer, Problem, Service } from '../service/service.ts'
import { EmptyState } from '../ui/emptyState.tsx'
import { Instant } from '../ui/instant.tsx'
import type { PanelProps } from '../ui/panel.ts'
import { usePolling } from '../ui/usePolling.ts'
import { Health, type HealthReport } from './health.tsx'
import { noHistory, withReading, type History } from './history.ts'
import { Plot } from './plot.tsx'
import { readingOf } from './reading.ts'
import { isBeyond, signs, type Sign } from './signs.ts'
import './vitals.css'

const pauseMs = 2_000

type Vitals = {
  history: History
  health: HealthReport | null
  /** Why there is nothing new. */
  obstacle: Problem | null
}

/** What was read stays while another panel is open, and is gone with the credential by which it was read. */
const kept = new WeakMap<Service, Vitals>()
const none: Vitals = { history: noHistory, health: null, obstacle: null }

/** A service that is DOWN answers 503 with its health all the same. */
const healthOf = ({ body }: Answer): HealthReport | null =>
  typeof body === 'object' && body !== null && 'components' in body ? (body as HealthReport) : null

const useVitals = (service: Service): Vitals => {
  const [vitals, setVitals] = useState(kept.get(service) ?? none)
  usePolling(async (signal) => {
    const [page, health] = await Promise.all([
      service.call('GET', '/metrics', { signal }),
      service.call('GET', '/actuator/health', { signal }),
    ])
    const before = kept.get(service) ?? none
    const text = page.problem === undefined && typeof page.body === 'string' ? page.body : null
    const next = {
      history: text === null ? before.history : withReading(before.history, readingOf(text, Date.now())),
      health: healthOf(health) ?? before.health,
      obstacle: page.problem ?? null,
    }
    kept.set(service, next)
    setVitals(next)
  }, pauseMs)
  return vitals
}

/** Why this caller sees no vital signs. */
const Refusal = ({ problem }: { problem: Problem }) => {
  if (problem.code === 'FORBIDDEN' || problem.code === 'UNAUTHORIZED')
    return (
      <EmptyState title="The vital signs are for operators">
        They are read from /metrics, which needs the scope orders:admin. This credential does not have it.
      </EmptyState>
    )
  if (problem.code === 'NOT_FOUND')
    return (
      <EmptyState title="The vital signs are elsewhere">
        This port has no /metrics: the service was given a port for operators (MANAGEMENT_PORT), and it is there.
      </EmptyState>
    )
  return <EmptyState title={problem.title}>{problem.detail}. It is asked again every two seconds.</EmptyState>
}

const SignCard = ({ sign, history }: { sign: Sign; history: History }) => {
  const latest = history.figures.at(-1)!
  const [figure, rest] = sign.now(latest)
  const beyond = isBeyond(sign, latest)
  return (
    <section class={beyond ? 'vitals-sign vitals-beyond' : 'vitals-sign'}>
      <h3>{sign.title}</h3>
      <p>
        <strong>{figure}</strong> {rest}
        {beyond && <span class="vitals-alarm"> · beyond the threshold of its alert</span>}
      </p>
      <Plot sign={sign} history={history} />
    </section>
  )
}

export const VitalsPanel = ({ service }: PanelProps) => {
  const { history, health, obstacle } = useVitals(service)
  const latest = history.figures.at(-1)
  if (latest === undefined || latest === null) {
    if (obstacle !== null) return <Refusal problem={obstacle} />
    return <EmptyState title="Reading the vital signs">The first figures come in a moment.</EmptyState>
  }
  return (
    <div class="vitals">
      {obstacle !== null && (
        <p class="vitals-stale" role="status">
          {obstacle.title}: {obstacle.detail}. The figures are of <Instant at={new Date(latest.at).toISOString()} />.
        </p>
      )}
      {health !== null && <Health health={health} />}
      <div class="vitals-signs">
        {signs.map((sign) => (
          <SignCard key={sign.title} sign={sign} history={history} />
        ))}
      </div>
      <p class="vitals-note">
        Rates and times of the last ten seconds, of the replica that answers here; plots of the last ten minutes.
        Dashed: beyond it the alert of <a href="/docs/handbook/runbook">the runbook</a> fires.
      </p>
    </div>
  )
}
