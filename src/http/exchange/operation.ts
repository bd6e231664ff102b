// What the service itself has to know about a route: how it is reached, what it needs, who may call it. contract/ adds what the published
// document says about it.

import type { Scope } from '../../app/caller.ts'

export type Operation = {
  readonly id: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** `{name}` stands for a parameter. */
  readonly path: `/${string}`
  /**
   * Calls that need the store are refused until the service has started, and they are limited and traced. Calls that the process answers
   * by itself are not.
   */
  readonly needs: 'store' | 'process'
  /** Routes for operators are on the management port if there is one. */
  readonly audience: 'everybody' | 'operators'
  /** The answer is a stream that goes on for hours. What is measured of it is the time to its beginning. */
  readonly streams?: true
  /** The scope that a caller has to hold if authentication is on; `open`: no scope and no credential. */
  readonly access: Scope | 'open'
}

/** Whether the routes for operators are on this port with the others, on another one, or alone on this one. */
export type Management = 'here' | 'elsewhere' | 'only'

export const isServed = ({ audience }: Operation, management: Management): boolean =>
  management === 'here' || (audience === 'operators') === (management === 'only')
