// What an engine can do beyond the original one. An order that asks for more is refused.

import type { Reason } from './reason.ts'
import type { OrderTerms, TermName } from './terms.ts'

/** `reports`: it says how orders ended that it ended itself. */
export const engineFeatures = ['display', 'post-only', 'reports'] as const
export type EngineFeature = (typeof engineFeatures)[number]

/** The terms that only some engines know. */
const featureOf = {
  displayQuantity: 'display',
  postOnly: 'post-only',
} as const satisfies Partial<Record<TermName, EngineFeature>>
const demands = Object.entries(featureOf) as [keyof typeof featureOf, EngineFeature][]

/** Why an engine with these features cannot take an order; null: it can. */
export const unsupportedBy = (features: ReadonlySet<EngineFeature>, order: OrderTerms): Reason | null => {
  for (const [name, feature] of demands)
    if (order[name] !== null && !features.has(feature))
      return { code: 'NOT_SUPPORTED_BY_ENGINE', text: `the matching engine does not know ${name}` }
  return null
}
