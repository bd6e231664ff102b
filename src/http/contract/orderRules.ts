// The rules of an order's terms as JSON Schema, from the domain's own tables.

import {
  orderTypes,
  rulesOf,
  terms,
  timeInForceRules,
  timesInForce,
  type TermKind,
  type TermName,
} from '../../domain/terms.ts'

type Json = Record<string, unknown>
type Rules = readonly (readonly [TermName, string])[]

/** What a member holds that must be there, by the kind of its term. */
const present = {
  uuid: 'string',
  key: 'string',
  ticker: 'string',
  choice: 'string',
  instant: 'string',
  flag: 'boolean',
  amount: ['number', 'string'],
} as const satisfies Record<TermKind, string | readonly string[]>

const kindOf = (name: TermName): TermKind => terms.find((term) => term.name === name)!.kind

/** What a rule leaves of a member. A flag that is false means what leaving it out means. */
const shapeOf = ([name, rule]: Rules[number]): Json => {
  const kind = kindOf(name)
  if (rule === 'required') return { type: present[kind] }
  return kind === 'flag' ? { enum: [false, null] } : { type: 'null' }
}

const bindingOf = (all: Rules) => {
  const rules = all.filter(([, rule]) => rule !== 'optional')
  const required = rules.filter(([, rule]) => rule === 'required').map(([name]) => name)
  return {
    required: required.length === 0 ? {} : { required },
    properties: Object.fromEntries(rules.map((rule) => [rule[0], shapeOf(rule)])) as Json,
  }
}

/** Which terms each type of order requires and forbids: one of these an order must suit. */
export const termsByType = orderTypes.map((type) => {
  const { required, properties } = bindingOf(rulesOf(type))
  return { title: type, ...required, properties: { type: { const: type }, ...properties } }
})

/** The same by time in force: each binds the orders that have it. */
export const rulesByTimeInForce = timesInForce.map((timeInForce) => {
  const { required, properties } = bindingOf(Object.entries(timeInForceRules[timeInForce]) as unknown as Rules)
  return {
    if: { required: ['timeInForce'], properties: { timeInForce: { const: timeInForce } } },
    then: { ...required, properties },
  }
})
