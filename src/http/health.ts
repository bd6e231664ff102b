// Health in Spring Boot's shape. Liveness looks at nothing outside this process; readiness says whether requests can be served
// (Kafka may be away: orders wait in the outbox); the whole names each component in words an operator can act on.

import type { Handler } from './exchange.ts'
import { json } from './reply.ts'

export type Phase = 'starting' | 'serving' | 'draining'
export type Component = { status: 'UP' | 'DEGRADED' | 'DOWN'; details: Record<string, string | number> }

export type HealthSource = {
  phase: () => Phase
  components: () => { db: Component; kafka: Component; outbox: Component }
  info: () => Record<string, string>
}

const answer = (status: number, body: unknown): Response => json(status, JSON.stringify(body))

const whole = ({ phase, components }: HealthSource): Response => {
  const seen = components()
  const down = seen.db.status === 'DOWN' || phase() === 'starting'
  const degraded = Object.values(seen).some((component) => component.status !== 'UP')
  const status = down ? 'DOWN' : degraded ? 'DEGRADED' : 'UP'
  return answer(down ? 503 : 200, { status, components: seen })
}

const readiness = ({ phase, components }: HealthSource): Response => {
  const { db } = components()
  if (phase() !== 'serving') return answer(503, { status: 'OUT_OF_SERVICE', reason: phase() })
  return db.status === 'DOWN' ? answer(503, { status: 'DOWN', components: { db } }) : answer(200, { status: 'UP' })
}

export const healthHandlers = (source: HealthSource) =>
  ({
    health: () => whole(source),
    liveness: () => answer(200, { status: 'UP' }),
    readiness: () => readiness(source),
    info: () => answer(200, source.info()),
  }) satisfies Record<string, Handler>
