// What the service itself has to know of a route: how it is reached, what it needs, who may call it. What the published document
// says of it besides is in contract/.

import type { Scope } from '../../app/caller.ts'

export type Operation = {
  readonly id: string
  readonly method: 'GET' | 'POST'
  /** With `{name}` for a parameter. */
  readonly path: `/${string}`
  /** Calls that need the store wait for the start, are limited and are traced; what the process answers by itself is not. */
  readonly needs: 'store' | 'process'
  /** Routes for operators are on the management port where there is one. */
  readonly audience: 'everybody' | 'operators'
  /** The scope that a caller has to hold where authentication is on; `open`: none, not even a credential. */
  readonly access: Scope | 'open'
}

/** Whether the routes for operators are on this port with the others, on another one, or alone on this one. */
export type Management = 'here' | 'elsewhere' | 'only'

export const isServed = ({ audience }: Operation, management: Management): boolean =>
  management === 'here' || (audience === 'operators') === (management === 'only')
