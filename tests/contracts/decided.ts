// What may surprise a client of the last release and is meant all the same: new values of an enumeration, new statuses, wider answers.
// Each with its reason; the compatibility test names what is missing here, and what has no cause any more.

export type Decision = { change: RegExp; why: string }

export const decided: readonly Decision[] = []
