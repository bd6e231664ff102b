// Who may call, and how often, as one thing that a server has: its gates, and what its document says of them.

import type { Log } from '../../telemetry/log.ts'
import { authenticationGates, type Authentication } from './auth/authentication.ts'
import type { Gate } from '../exchange/exchange.ts'
import { limitGate, type LimitOptions } from './limits/limits.ts'
import { openAccess, type PublishedAccess } from '../contract/openapiAccess.ts'
import type { Operation } from '../contract/operation.ts'

export type Guard = {
  /** Null: nobody has to say who it is. */
  authentication: Authentication | null
  /** Null: as often as it likes. */
  limits: LimitOptions | null
}

export const openGuard: Guard = { authentication: null, limits: null }

type GateOptions = { addressOf: (request: Request) => string; log: Log }

/** In the order in which they decide; all of them before a body is read. */
export const guardGates = ({ authentication, limits }: Guard, options: GateOptions): Gate[] =>
  authenticationGates(authentication, options, limits === null ? [] : [limitGate(limits, options.addressOf)])

/** Where the routes for operators are: on this port with the others, on another one, or alone on this one. */
export type Management = 'here' | 'elsewhere' | 'only'

export const isServed = (tag: Operation['tag'], management: Management): boolean =>
  management === 'here' || (tag === 'Operation') === (management === 'only')

/** What the document of a server with this guard says. */
export const publishedAccess = (guard: Guard = openGuard, management: Management = 'here'): PublishedAccess => ({
  ...openAccess,
  tokens: guard.authentication?.tokens !== null && guard.authentication !== null,
  keys: guard.authentication?.keys !== null && guard.authentication !== null,
  limited: guard.limits !== null,
  management: management === 'elsewhere' ? 'elsewhere' : 'here',
})
