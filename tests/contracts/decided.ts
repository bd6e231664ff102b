// What may surprise a client of the last release and is meant all the same: new values of an enumeration, new statuses, wider answers.
// Each with its reason; the compatibility test names what is missing here, and what has no cause any more.

export type Decision = { change: RegExp; why: string }

export const decided: readonly Decision[] = [
  {
    change: /\/(type: the new value "STOP(_LIMIT)?"|timeInForce: the new value "GTD") may come$/,
    why: 'Only in orders that were placed with them: a client that never asks for one sees none of its own.',
  },
  {
    change: /^decide: POST \/orders\/\{id\}\/cancel: the new status 412 may come/,
    why: 'Only where the client sends If-Match, which was ignored before.',
  },
  {
    change: /^decide: POST \/orders: the new status 429 may come/,
    why: 'Only after hundreds of orders a minute that a rule refused, of which earlier versions knew none.',
  },
  {
    change: /^decide: POST \/orders 422 .*\/(type|code): the new value ".*(order-rejected|ORDER_REJECTED)" may come/,
    why: 'Only for orders with terms that earlier versions did not take: an iceberg, or post-only.',
  },
]
