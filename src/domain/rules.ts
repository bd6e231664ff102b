// The rules of business: what a well-formed order is refused for when it comes in.

import { unsupportedBy, type EngineFeature } from './engine.ts'
import type { Reason } from './reason.ts'
import type { OrderTerms } from './terms.ts'

/** `epoch`: of the gate; each change of the rules raises it. */
export type Rules = {
  readonly epoch: string
  /** What the engine can do. */
  readonly features: ReadonlySet<EngineFeature>
}

/** Why these rules refuse an order; null: they do not. */
export const refusalBy = (rules: Rules, terms: OrderTerms): Reason | null => unsupportedBy(rules.features, terms)
