// What may surprise a client of the last release and is meant all the same: new values of an enumeration, new statuses, wider answers.
// Each with its reason; the compatibility test names what is missing here, and what has no cause any more.

export type Decision = { change: RegExp; why: string }

export const decided: readonly Decision[] = [
  {
    change: /POST \/orders: the new status 409 may come/,
    why: 'Only to a client that made the key void itself (POST /orders/void), or whose user did: it asked for this refusal.',
  },
]
