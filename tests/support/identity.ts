// What a message is, apart from how often it stands on a topic. Events and dead letters are promised at least once: whoever sent
// one and did not hear of it sends it again. So tests count identities; who counts messages cries wolf.

import { expect } from 'bun:test'
import type { Received } from './kafka.ts'

/** The first of each key, in the order they came. */
export const distinctBy = <T>(items: readonly T[], keyOf: (item: T) => unknown): T[] => {
  const firsts = new Map<unknown, T>()
  for (const item of items) if (!firsts.has(keyOf(item))) firsts.set(keyOf(item), item)
  return [...firsts.values()]
}

/** A letter keeps the headers of its message, so its own id comes first. What has no id is itself alone. */
const identityOf = ({ headers, topic, partition, offset }: Received): string =>
  headers['x-dead-letter-id'] ?? headers['eventId'] ?? `${topic}-${partition}-${offset}`

const contentOf = ({ key, value, headers }: Received) => ({ key, value, eventId: headers['eventId'] })

/** The messages by first occurrence of their identity; also that each repeat is the same message again. */
export const distinct = (messages: readonly Received[]): Received[] => {
  const firsts = distinctBy(messages, identityOf)
  const byIdentity = new Map(firsts.map((first) => [identityOf(first), first]))
  for (const message of messages)
    expect(contentOf(message), `repeats of ${identityOf(message)} differ`).toEqual(
      contentOf(byIdentity.get(identityOf(message))!),
    )
  return firsts
}
