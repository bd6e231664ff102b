// How the leader of a group deals out the partitions.

import type { GroupPartitionsAssigner } from '@platformatic/kafka'

/**
 * In turn, and each topic to those members alone that subscribe to it. The library's own gives partitions of our topic to every member,
 * whatever that reads: what such a member got would be read by nobody.
 */
export const dealOut: GroupPartitionsAssigner = (_leader, members, _topics, metadata) => {
  const hands = [...members].map(([memberId, { topics = [] }]) => ({ memberId, topics, assignments: new Map() }))
  let turn = 0
  for (const [topic, { partitionsCount }] of metadata.topics) {
    const readers = hands.filter(({ topics }) => topics.includes(topic))
    if (readers.length === 0) continue
    for (let partition = 0; partition < partitionsCount; partition++) {
      const { assignments } = readers[turn++ % readers.length]!
      const { partitions } = assignments.get(topic) ?? { partitions: [] }
      assignments.set(topic, { topic, partitions: [...partitions, partition] })
    }
  }
  return hands.map(({ memberId, assignments }) => ({ memberId, assignments }))
}
