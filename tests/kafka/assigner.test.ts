// Proves: the partitions of a topic go in turn to the members that subscribe to it, and to no other.

import { expect, test } from 'bun:test'
import type { ClusterMetadata } from '@platformatic/kafka'
import { dealOut } from '../../src/kafka/assigner.ts'

/** What each member gets, by topic. */
const dealt = (
  members: Record<string, string[] | undefined>,
  partitions: Record<string, number>,
): Record<string, Record<string, number[]>> => {
  const subscriptions = Object.entries(members).map(([memberId, topics]) => [
    memberId,
    { memberId, version: 0, topics },
  ])
  const topics = Object.entries(partitions).map(([topic, partitionsCount]) => [topic, { partitionsCount }])
  const metadata = { topics: new Map(topics as never) } as unknown as ClusterMetadata
  const assigned = dealOut('one', new Map(subscriptions as never), new Set(Object.keys(partitions)), metadata)
  return Object.fromEntries(
    assigned.map(({ memberId, assignments }) => [
      memberId,
      Object.fromEntries([...assignments].map(([topic, given]) => [topic, given.partitions])),
    ]),
  )
}

test('members with one subscription take turns, over the end of a topic', () => {
  expect(dealt({ one: ['t', 'u'], two: ['t', 'u'] }, { t: 3, u: 2 })).toEqual({
    one: { t: [0, 2], u: [1] },
    two: { t: [1], u: [0] },
  })
})

test('who reads another topic, or none, gets none of ours', () => {
  const members = { one: ['t'], other: ['u'], none: [], unreadable: undefined, two: ['t'] }
  expect(dealt(members, { t: 3, u: 1 })).toEqual({
    one: { t: [0, 2] },
    other: { u: [0] },
    none: {},
    unreadable: {},
    two: { t: [1] },
  })
})

test('a topic that nobody reads is given to nobody', () => {
  expect(dealt({ one: ['t'] }, { t: 1, u: 1 })).toEqual({ one: { t: [0] } })
})
