// Notices a stream of trades that looks alive and receives nothing though the broker has more: after a storm of rebalances
// such a one was seen, with its consumer active and heartbeating. And notices offsets that stand behind though nothing waits
// any more: when a commit meets a rebalance the library joins again and repeats it, and then it may take back what the new
// owner of the partition has committed meanwhile.

import { sleep } from '../app/sleep.ts'
import type { RawConsumer } from './client.ts'

/** The stream as far as it is watched: where it will read next, by `topic:partition`, and for how long nothing came. */
export type Watched = {
  consumer: RawConsumer
  topic: string
  nextOffsets: () => ReadonlyMap<string, bigint>
  silentMs: () => number
}

const lookEveryMs = 5_000
const silentForMs = 15_000

/**
 * Partitions of ours with messages that the stream has not asked for, as `topic:partition@offset`, or whose committed offset
 * is below what was read, as `topic:partition<offset`: in silence nothing is under way, so nobody is about to commit.
 */
const overdue = async ({ consumer, topic, nextOffsets }: Watched): Promise<string[]> => {
  const next = nextOffsets()
  const partitions = consumer.assignments?.find((assigned) => assigned.topic === topic)?.partitions ?? []
  if (partitions.length === 0) return []
  const ends = (await consumer.listOffsets({ topics: [topic] })).get(topic) ?? []
  const commits = (await consumer.listCommittedOffsets({ topics: [{ topic, partitions }] })).get(topic) ?? []
  return partitions.flatMap((partition) => {
    const at = next.get(`${topic}:${partition}`)
    const end = ends[partition]
    const committed = commits[partition] ?? -1n
    if (at === undefined || end === undefined) return []
    if (end > at) return [`${topic}:${partition}@${at}`]
    return committed >= 0n && committed < at ? [`${topic}:${partition}<${at}`] : []
  })
}

/**
 * Calls `onStall` once when a silent stream is overdue. `forgiven`: places that a new stream did not get past either (a
 * transaction marker at the end of a log looks like that); it outlives the streams.
 */
export const watch = async (
  watched: Watched,
  { forgiven, onStall, signal }: { forgiven: Set<string>; onStall: () => void; signal: AbortSignal },
): Promise<void> => {
  while (!signal.aborted) {
    await sleep(lookEveryMs, signal)
    if (signal.aborted || watched.silentMs() < silentForMs) continue
    // A broker that does not answer is the stream's own trouble, not a stall.
    const places = await overdue(watched).catch(() => [])
    const stuck = places.filter((place) => !forgiven.has(place))
    if (stuck.length === 0 || watched.silentMs() < silentForMs) continue
    for (const place of stuck) forgiven.add(place)
    onStall()
    return
  }
}
