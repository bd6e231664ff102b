// What a verification reports: one rule that one thing breaks, with the value that the rule demands and the value that was found.

export type Violation = {
  /** The kind of thing: `order`, `fill`, `outbox row`, `history` (of an order), `exception`, `report`, `guard`, `event`, `trade`, `fix session`. */
  subject: string
  /** The id of the thing, so that an operator can look it up. */
  id: string
  rule: string
  expected: string | null
  found: string | null
}

const valueText = (value: string | null): string => value ?? 'nothing'

/** `order 0193…: filled_quantity: expected 100, found 90`. */
export const violationText = ({ subject, id, rule, expected, found }: Violation): string =>
  `${subject} ${id}: ${rule}: expected ${valueText(expected)}, found ${valueText(found)}`
