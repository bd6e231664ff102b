// Methods of the paths, and what operators ask.

import type { Answer, ParityCase } from './case.ts'

type Rest = Omit<Partial<ParityCase>, 'java'> & { java: Answer }
const ask = (method: string, path: string, rest: Rest): ParityCase => ({
  name: `\`${method} ${path}\``,
  source: 'noted',
  method,
  path,
  ...rest,
})

const spring = 'application/vnd.spring-boot.actuator.v3+json'
const up = { status: 'UP' }

export const methods: readonly ParityCase[] = [
  ask('PUT', '/orders', { source: 'told', java: { status: 405 } }),
  ask('PUT', '/orders/{id}', { source: 'told', java: { status: 405 } }),
  ask('GET', '/orders/{id}/cancel', { source: 'told', java: { status: 405 } }),
  ask('DELETE', '/orders/{id}', {
    source: 'told',
    java: { status: 405 },
    ours: { status: 200, has: { status: 'CANCELED', remainingQuantity: 0 } },
    switched: { status: 200, has: { status: 'CANCELED', remainingQuantity: 10 } },
    reason: 'cancels what remains; the Java service had no such call',
  }),
  ask('OPTIONS', '/orders', {
    java: { status: 200 },
    ours: { status: 204, headers: { allow: 'DELETE, GET, HEAD, OPTIONS, POST' } },
    reason: 'there is nothing to answer but the methods',
  }),
]

export const operating: readonly ParityCase[] = [
  ask('GET', '/actuator', { java: { status: 200, members: ['_links'] } }),
  ask('GET', '/actuator/health', {
    java: { status: 200, has: up, headers: { 'content-type': spring } },
    ours: { status: 200, has: up, headers: { 'content-type': 'application/json' } },
    reason: 'Spring’s media type where a client asks for it; the status may be `DEGRADED` too',
  }),
  ask('GET', '/actuator/health', {
    name: '`GET /actuator/health` with Spring’s media type in `Accept`',
    headers: { Accept: spring },
    java: { status: 200, has: up, headers: { 'content-type': spring } },
  }),
  ask('GET', '/actuator/health/liveness', { source: 'told', java: { status: 200, has: up } }),
  ask('GET', '/actuator/health/readiness', { source: 'told', java: { status: 200, has: up } }),
]
