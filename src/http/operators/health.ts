// Health in the shape of Spring Boot. Liveness depends on nothing outside this process. Readiness says whether requests can be served, even
// without Kafka: orders then wait in the outbox. The overall health describes each component so that an operator can act on it.

import { Type, type Static } from '@sinclair/typebox'
import { isAdmin } from '../../app/caller.ts'
import { oneOf } from '../../wire/shapes.ts'
import type { Exchange, Handler } from '../exchange/exchange.ts'
import type { Reply } from '../exchange/reply.ts'
import { actuatorJson } from './actuator.ts'

export type Phase = 'starting' | 'serving' | 'draining'
export const Component = Type.Object(
  {
    status: oneOf(['UP', 'DEGRADED', 'DOWN']),
    details: Type.Unsafe<Record<string, string | number>>({
      type: 'object',
      additionalProperties: { type: ['string', 'number'] },
      description: 'In words for an operator; the names are no contract.',
    }),
  },
  { component: 'Component', description: 'A component of the service.' },
)

export const Health = Type.Object({
  status: oneOf(['UP', 'DEGRADED', 'DOWN']),
  components: Type.Object({ db: Component, kafka: Component, outbox: Component }),
})
export const Alive = Type.Object({ status: Type.Literal('UP') })
export const NotReady = Type.Object({
  status: oneOf(['OUT_OF_SERVICE', 'DOWN']),
  reason: Type.Optional(oneOf(['starting', 'draining'])),
  components: Type.Optional(Type.Object({ db: Component })),
})
export const Info = Type.Object({ name: Type.String(), version: Type.String(), commit: Type.String() })
export type Component = Static<typeof Component>

export type HealthSource = {
  phase: () => Phase
  components: () => { db: Component; kafka: Component; outbox: Component }
  info: () => Static<typeof Info>
}

/** The status and the body of an answer. */
type Answer<Body> = { status: number; body: Body }

const overall = ({ phase, components }: HealthSource): Answer<Static<typeof Health>> => {
  const current = components()
  const isDown = current.db.status === 'DOWN' || phase() === 'starting'
  const isDegraded = Object.values(current).some((component) => component.status !== 'UP')
  const status = isDown ? 'DOWN' : isDegraded ? 'DEGRADED' : 'UP'
  return { status: isDown ? 503 : 200, body: { status, components: current } }
}

/** `details`: whether the answer says what is wrong. Only an operator learns that, not every caller. */
const readiness = (
  { phase, components }: HealthSource,
  details: boolean,
): Answer<Static<typeof Alive | typeof NotReady>> => {
  const { db } = components()
  const current = phase()
  if (current !== 'serving') return { status: 503, body: { status: 'OUT_OF_SERVICE', reason: current } }
  if (db.status !== 'DOWN') return { status: 200, body: { status: 'UP' } }
  return { status: 503, body: { status: 'DOWN', ...(details ? { components: { db } } : {}) } }
}

const write = <Body>(exchange: Exchange, { status, body }: Answer<Body>): Reply => actuatorJson(exchange, status, body)

export const healthHandlers = (source: HealthSource) =>
  ({
    health: (exchange) => write(exchange, overall(source)),
    liveness: (exchange) => write<Static<typeof Alive>>(exchange, { status: 200, body: { status: 'UP' } }),
    readiness: (exchange) => write(exchange, readiness(source, isAdmin(exchange.caller))),
    info: (exchange) => write<Static<typeof Info>>(exchange, { status: 200, body: source.info() }),
  }) satisfies Record<string, Handler>
