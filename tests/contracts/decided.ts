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
]
