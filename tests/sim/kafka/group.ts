// The fake consumer group: who reads which partition of a topic, and from where. Members learn of a rebalance one after
// the other, go back to the committed offsets, and may still handle messages of a partition that another member has by then.

import { NetworkError, ProtocolError } from '@platformatic/kafka'
import type { Fetched, FetchRequest } from '../../../src/kafka/fetchRequest.ts'
import type { Connection } from '../../../src/kafka/inbound/consumer.ts'
import { unknownEpoch } from '../../../src/kafka/places.ts'
import { encodeBatch, headerName } from '../../../src/kafka/records.ts'
import type { Owner } from '../scheduler.ts'
import { travel, type World } from '../world.ts'
import { topics, type LogRecord } from './broker.ts'

type Member = {
  owner: Owner
  /** Its generation; -1 before it joined and after it was thrown out. */
  generation: number
  partitions: number[]
  onJoined: (joined: { isLeader: boolean }) => void
  /** Null: the group receives its heartbeats. */
  lastHeartbeat: Date | null
}

export type Group = {
  connect: (owner: Owner) => Connection
  rebalance: () => void
  /** The group no longer receives one member's heartbeats, and the member does not learn it. */
  breakMember: () => void
}

/** Called with every range of messages whose offset moves. */
type OnCommit = (partition: number, from: number, to: number) => void

const coordinator: Owner = { name: 'coordinator', alive: true }

const leader = 1
/** All records have this time: nothing reads the publisher's. */
const timestamp = 1_700_000_000_000n

/** As it stands in the log of a broker. */
const batchOf = (records: readonly LogRecord[], from: number): Buffer => {
  const batch = encodeBatch(
    records.map(({ key, value, headers }) => ({
      key,
      value,
      headers: [...headers].map(([name, text]) => [headerName(name), text] as const),
      timestamp,
    })),
  )
  batch.writeBigInt64BE(BigInt(from), 0)
  return batch
}

export const createGroup = (world: World, topic: string, onCommit: OnCommit): Group => {
  const topicId = `${topic}-1`
  // Reports are few: whoever reads them is answered less often.
  const fetchMs = Math.max(world.plan.fetchMs, topic === topics.reports ? 100 : 0)
  const { scheduler, random, log, plan } = world
  const committed = new Map<number, number>()
  const partitions = world.broker.logs.get(topic)!
  let members: Member[] = []
  let generation = 0

  const adopt = (member: Member, as: number, dealt: number[]): void => {
    if (as !== generation || !members.includes(member)) return
    member.generation = as
    member.partitions = dealt
    log(
      `${member.owner.name} reads of ${topic} ${dealt.map((p) => `${p}@${committed.get(p) ?? 0}`).join(' ') || 'nothing'}`,
    )
    member.onJoined({ isLeader: members[0] === member })
  }

  const rebalance = (): void => {
    generation++
    const as = generation
    const first = random.int(0, Math.max(0, members.length - 1))
    for (const [i, member] of members.entries()) {
      const dealt = [...partitions.keys()].filter((partition) => (partition + first) % members.length === i)
      scheduler.after(random.next() * 100, coordinator, () => adopt(member, as, dealt))
    }
  }

  const leave = (member: Member): void => {
    if (!members.includes(member)) return
    members = members.filter((other) => other !== member)
    member.generation = -1
    log(`${member.owner.name} left the group`)
    rebalance()
  }

  /** The group notices a dead member after its session timeout. */
  const heartbeat = (member: Member): void => {
    if (!members.includes(member)) return
    if (member.owner.alive) scheduler.after(500, coordinator, () => heartbeat(member))
    else scheduler.after(plan.sessionTimeoutMs, coordinator, () => leave(member))
  }

  const answerOf = ({ partition, next }: FetchRequest['places'][number]): Fetched => {
    const partitionLog = partitions[partition]!
    const from = Number(next)
    const records = partitionLog.slice(from, from + random.int(1, 50))
    return {
      partition,
      fault: 0,
      end: BigInt(partitionLog.length),
      stable: BigInt(partitionLog.length),
      start: 0n,
      aborted: [],
      diverged: false,
      records: records.length === 0 ? Buffer.alloc(0) : batchOf(records, from),
    }
  }

  /** A broker holds an answer back for a while, as it does until there is something to say. */
  const fetch = (owner: Owner, { places }: FetchRequest): Promise<readonly Fetched[]> =>
    new Promise((resolve, reject) =>
      scheduler.after(fetchMs * (0.5 + random.next()), coordinator, () => {
        const refused = world.broker.down
        const answers = places.map(answerOf)
        travel(world, owner, () => (refused ? reject(new NetworkError('no broker answers')) : resolve(answers)))
      }),
    )

  const metadata = () =>
    Promise.resolve({
      topics: new Map([
        [topic, { id: topicId, partitions: partitions.map(() => ({ leader })), partitionsCount: partitions.length }],
      ]),
    })

  const accept = (member: Member, offsets: readonly { partition: number; offset: bigint }[]): Error | null => {
    if (world.broker.down) return new NetworkError('the coordinator does not answer')
    if (member.generation !== generation) return new ProtocolError('ILLEGAL_GENERATION')
    for (const { partition, offset } of offsets) {
      const from = committed.get(partition) ?? 0
      log(`${member.owner.name} commits ${partition}@${offset} of ${topic}`)
      onCommit(partition, from, Number(offset))
      committed.set(partition, Number(offset))
    }
    return null
  }

  const commitOf =
    (member: Member) =>
    ({ offsets }: { offsets: readonly { partition: number; offset: bigint }[] }): Promise<void> =>
      new Promise((resolve, reject) =>
        travel(world, coordinator, () => {
          const refusal = accept(member, offsets)
          travel(world, member.owner, () => (refusal === null ? resolve() : reject(refusal)))
        }),
      )

  const join = (member: Member): Promise<void> =>
    new Promise((resolve, reject) =>
      travel(world, member.owner, () => {
        if (world.broker.down) return reject(new NetworkError('no broker answers'))
        members = [...members, member]
        log(`${member.owner.name} joined the group`)
        rebalance()
        heartbeat(member)
        resolve()
      }),
    )

  const fetcherOf = (owner: Owner) => ({
    topics: { track: () => true },
    fetch: (request: FetchRequest) => fetch(owner, request),
    metadata,
    clearMetadata: () => undefined,
    committedPlaces: () =>
      world.broker.down
        ? Promise.reject(new NetworkError('the coordinator does not answer'))
        : Promise.resolve(
            [...committed].map(([partition, offset]) => ({ partition, next: BigInt(offset), epoch: unknownEpoch })),
          ),
    close: () => Promise.resolve(),
  })

  const memberOf = (member: Member) => ({
    on(event: string, listener: (payload: never) => void) {
      if (event === 'consumer:group:join') member.onJoined = listener as Member['onJoined']
    },
    topics: { track: () => true },
    joinGroup: () => join(member),
    commit: commitOf(member),
    metadata,
    close() {
      leave(member)
      return Promise.resolve()
    },
    get lastHeartbeat() {
      return member.lastHeartbeat
    },
    get currentMetadata() {
      return { topics: new Map([[topic, { partitionsCount: partitions.length }]]) }
    },
    get assignments() {
      return [{ topic: topic, partitions: member.partitions }]
    },
    /** The ends are those of the moment at which the broker answers. */
    listOffsets: ({ timestamp: at }: { timestamp?: bigint }) =>
      new Promise((resolve, reject) =>
        travel(world, coordinator, () => {
          const ends = partitions.map((partitionLog) => (at === -2n ? 0n : BigInt(partitionLog.length)))
          const refused = world.broker.down
          travel(world, member.owner, () =>
            refused ? reject(new NetworkError('no broker answers')) : resolve(new Map([[topic, ends]])),
          )
        }),
      ),
  })

  return {
    connect(owner) {
      const member: Member = { owner, generation: -1, partitions: [], onJoined: () => undefined, lastHeartbeat: null }
      return { member: memberOf(member), fetcher: fetcherOf(owner) } as unknown as Connection
    },
    rebalance,
    breakMember() {
      const joined = members.filter((member) => member.owner.alive && member.lastHeartbeat === null)
      if (joined.length === 0) return
      const member = random.pick(joined)
      log(`the group hears ${member.owner.name} no more`)
      member.lastHeartbeat = new Date(0)
    },
  }
}
