// Recognises repeats of a message on a topic. Events and dead letters are promised at least once: a sender without an
// acknowledgement sends again. So tests count identities; a test that counts messages fails without a fault.

import { expect } from 'bun:test'
import type { Received } from './kafka.ts'

/** The first of each key, in the order they came. */
export const distinctBy = <T>(items: readonly T[], keyOf: (item: T) => unknown): T[] => {
  const firsts = new Map<unknown, T>()
  for (const item of items) if (!firsts.has(keyOf(item))) firsts.set(keyOf(item), item)
  return [...firsts.values()]
}

/** A letter keeps the headers of its message, so its own id comes first. A message without an id is identified by its place. */
const identityOf = ({ headers, topic, partition, offset }: Received): string =>
  headers['x-dead-letter-id'] ?? headers['eventId'] ?? `${topic}-${partition}-${offset}`

const contentOf = ({ key, value, headers }: Received) => ({ key, value, eventId: headers['eventId'] })

/** The first message of each identity; checks that each repeat equals the first. */
export const distinct = (messages: readonly Received[]): Received[] => {
  const firsts = distinctBy(messages, identityOf)
  const byIdentity = new Map(firsts.map((first) => [identityOf(first), first]))
  for (const message of messages)
    expect(contentOf(message), `repeats of ${identityOf(message)} differ`).toEqual(
      contentOf(byIdentity.get(identityOf(message))!),
    )
  return firsts
}
