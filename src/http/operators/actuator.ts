// The list of links to the endpoints, as Spring Boot's actuator has it, and the actuator's own media type for clients that ask for it.

import { Type, type Static } from '@sinclair/typebox'
import type { Exchange, Handler } from '../exchange/exchange.ts'
import { originOf } from '../exchange/path.ts'
import { json, type Reply } from '../exchange/reply.ts'

export const springType = 'application/vnd.spring-boot.actuator.v3+json'

/** Whether an Accept header names Spring's media type itself, and not with `q=0`. */
const acceptsSpring = (accept: string | null): boolean =>
  accept !== null &&
  accept.split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    return type === springType && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
  })

/** A JSON answer with Spring's media type for a client that asks for it, and with application/json for all others. */
export const actuatorJson = ({ request }: Exchange, status: number, body: unknown): Reply => {
  const type = acceptsSpring(request.headers.get('accept')) ? { 'content-type': springType } : {}
  return json(status, JSON.stringify(body), type)
}

/** The paths below /actuator, by the names that Spring gives their links. */
const endpoints = {
  self: '',
  health: '/health',
  'health-path': '/health/{*path}',
  info: '/info',
  prometheus: '/prometheus',
} as const

export const Link = Type.Object(
  { href: Type.String(), templated: Type.Boolean({ description: 'Whether `href` has a part to fill in.' }) },
  { component: 'Link' },
)
export const ActuatorLinks = Type.Object({
  _links: Type.Object({ self: Link, health: Link, 'health-path': Link, info: Link, prometheus: Link }),
})

/** `origin`: scheme and authority as the client used them, such as `http://localhost:8085`. */
export const actuatorLinks = (origin: string): Static<typeof ActuatorLinks> => ({
  _links: Object.fromEntries(
    Object.entries(endpoints).map(([name, path]) => [
      name,
      { href: `${origin}/actuator${path}`, templated: path.includes('{') },
    ]),
  ) as Record<keyof typeof endpoints, { href: string; templated: boolean }>,
})

export const actuatorHandlers = {
  actuator: (exchange) => actuatorJson(exchange, 200, actuatorLinks(originOf(exchange.request))),
} satisfies Record<string, Handler>
