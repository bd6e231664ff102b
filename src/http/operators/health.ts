// Health in Spring Boot's shape. Liveness looks at nothing outside this process; readiness says whether requests can be served
// (Kafka may be away: orders wait in the outbox); the whole names each component in words an operator can act on.

import { isAdmin } from '../../app/caller.ts'
import type { Exchange, Handler } from '../exchange/exchange.ts'
import { actuatorJson } from './actuator.ts'

export type Phase = 'starting' | 'serving' | 'draining'
export type Component = { status: 'UP' | 'DEGRADED' | 'DOWN'; details: Record<string, string | number> }

export type HealthSource = {
  phase: () => Phase
  components: () => { db: Component; kafka: Component; outbox: Component }
  info: () => Record<string, string>
}

type Health = { status: number; body: object }

const overall = ({ phase, components }: HealthSource): Health => {
  const current = components()
  const isDown = current.db.status === 'DOWN' || phase() === 'starting'
  const isDegraded = Object.values(current).some((component) => component.status !== 'UP')
  const status = isDown ? 'DOWN' : isDegraded ? 'DEGRADED' : 'UP'
  return { status: isDown ? 503 : 200, body: { status, components: current } }
}

/** `details`: what is wrong is said to an operator, not to whoever asks. */
const readiness = ({ phase, components }: HealthSource, details: boolean): Health => {
  const { db } = components()
  if (phase() !== 'serving') return { status: 503, body: { status: 'OUT_OF_SERVICE', reason: phase() } }
  if (db.status !== 'DOWN') return { status: 200, body: { status: 'UP' } }
  return { status: 503, body: { status: 'DOWN', ...(details ? { components: { db } } : {}) } }
}

const answer = (exchange: Exchange, { status, body }: Health): Response => actuatorJson(exchange, status, body)

export const healthHandlers = (source: HealthSource) =>
  ({
    health: (exchange) => answer(exchange, overall(source)),
    liveness: (exchange) => answer(exchange, { status: 200, body: { status: 'UP' } }),
    readiness: (exchange) => answer(exchange, readiness(source, isAdmin(exchange.caller))),
    info: (exchange) => answer(exchange, { status: 200, body: source.info() }),
  }) satisfies Record<string, Handler>
