// Who may call a server, and how often: the gates that decide it.

import type { Log } from '../../telemetry/log.ts'
import type { Gate } from '../exchange/exchange.ts'
import { authenticationGates, type Authentication } from './auth/authentication.ts'
import { limitGate, type LimitOptions } from './limits/limits.ts'

export type Guard = {
  /** Null: nobody has to say who it is. */
  authentication: Authentication | null
  /** Null: nobody is limited. */
  limits: LimitOptions | null
}

export const openGuard: Guard = { authentication: null, limits: null }

type GateOptions = { addressOf: (request: Request) => string; log: Log }

/** In the order in which they decide; all of them before a body is read. */
export const guardGates = ({ authentication, limits }: Guard, options: GateOptions): Gate[] =>
  authenticationGates(authentication, options, limits === null ? [] : [limitGate(limits, options.addressOf)])
