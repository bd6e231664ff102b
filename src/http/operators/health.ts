// Health in Spring Boot's shape. Liveness looks at nothing outside this process; readiness says whether requests can be served
// (Kafka may be away: orders wait in the outbox); the whole names each component in words an operator can act on.

import { isAdmin } from '../../app/caller.ts'
import type { Handler } from '../exchange/exchange.ts'
import { json } from '../exchange/reply.ts'

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

/** `details`: what is wrong goes to an operator, not to whoever asks. */
const readiness = ({ phase, components }: HealthSource, details: boolean): Response => {
  const { db } = components()
  if (phase() !== 'serving') return answer(503, { status: 'OUT_OF_SERVICE', reason: phase() })
  if (db.status !== 'DOWN') return answer(200, { status: 'UP' })
  return answer(503, { status: 'DOWN', ...(details ? { components: { db } } : {}) })
}

export const healthHandlers = (source: HealthSource) =>
  ({
    health: () => whole(source),
    liveness: () => answer(200, { status: 'UP' }),
    readiness: ({ caller }) => readiness(source, isAdmin(caller)),
    info: () => answer(200, source.info()),
  }) satisfies Record<string, Handler>
