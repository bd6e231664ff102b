// The gates that decide who may call a server, and how often.

import type { Log } from '../../telemetry/log.ts'
import type { Gate } from '../exchange/exchange.ts'
import { authenticationGates, type Authentication } from './auth/authentication.ts'
import { limitGate, type LimitOptions } from './limits/limits.ts'

export type Guard = {
  /** Null: callers need no credential. */
  authentication: Authentication | null
  /** Null: nobody is limited. */
  limits: LimitOptions | null
}

export const openGuard: Guard = { authentication: null, limits: null }

type GateOptions = { addressOf: (request: Request) => string; log: Log }

/** The gates in the order in which they decide. All of them decide before a body is read. */
export const guardGates = ({ authentication, limits }: Guard, options: GateOptions): Gate[] =>
  authenticationGates(authentication, options, limits === null ? [] : [limitGate(limits, options.addressOf)])
