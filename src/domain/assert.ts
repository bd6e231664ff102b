// An invariant that code relies on. A failure is a bug in this service, never bad input.

export class InvariantBroken extends Error {
  override name = 'InvariantBroken'
}

export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new InvariantBroken(invariant)
}
