// The fake consumer group: who reads which partition of the trades, and from where. Members learn of a rebalance one after
// the other, go back to what is committed, and may still be busy with messages of a partition that is somebody else's by then.

import { NetworkError, ProtocolError } from '@platformatic/kafka'
import type { RawConsumer, RawMessage } from '../../../src/kafka/client.ts'
import type { Owner } from '../scheduler.ts'
import { travel, type World } from '../world.ts'
import { topics, type LogRecord } from './broker.ts'

type Listener = (argument: never) => void

type Member = {
  owner: Owner
  /** Its generation; -1 before it joined and after it was thrown out. */
  generation: number
  partitions: number[]
  positions: Map<number, number>
  listeners: Map<string, Listener>
  paused: boolean
  open: boolean
}

export type Group = {
  connect: (owner: Owner) => RawConsumer
  rebalance: () => void
  /** The stream of one member fails. */
  breakStream: () => void
}

/** Called with every range of messages whose offset moves. */
type OnCommit = (partition: number, from: number, to: number) => void

const fetchEveryMs = 25
const coordinator: Owner = { name: 'coordinator', alive: true }

const messageOf = ({ key, value, headers }: LogRecord, partition: number, offset: number): RawMessage =>
  ({
    topic: topics.trades,
    partition,
    offset: BigInt(offset),
    key: Buffer.from(key),
    value,
    headers: new Map([...headers].map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
  }) as unknown as RawMessage

export const createGroup = (world: World, onCommit: OnCommit): Group => {
  const { scheduler, random, log, plan } = world
  const committed = new Map<number, number>()
  const partitions = world.broker.logs.get(topics.trades)!
  let members: Member[] = []
  let generation = 0

  const say = (member: Member, event: string, argument?: unknown): void =>
    member.listeners.get(event)?.(argument as never)

  const adopt = (member: Member, as: number, dealt: number[]): void => {
    if (as !== generation || !members.includes(member)) return
    member.generation = as
    member.partitions = dealt
    member.positions = new Map(dealt.map((partition) => [partition, committed.get(partition) ?? 0]))
    log(`${member.owner.name} reads ${dealt.map((p) => `${p}@${member.positions.get(p)}`).join(' ') || 'nothing'}`)
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

  /** A member whose process died is missed after a while. */
  const heartbeat = (member: Member): void => {
    if (!members.includes(member)) return
    if (member.owner.alive) scheduler.after(500, coordinator, () => heartbeat(member))
    else scheduler.after(plan.sessionTimeoutMs, coordinator, () => leave(member))
  }

  const fetch = (member: Member): void => {
    if (!member.open) return
    for (const [partition, at] of member.paused || world.broker.down ? [] : member.positions) {
      const batch = partitions[partition]!.slice(at, at + random.int(1, 50))
      member.positions.set(partition, at + batch.length)
      for (const [i, record] of batch.entries()) say(member, 'data', messageOf(record, partition, at + i))
    }
    scheduler.after(fetchEveryMs * (0.5 + random.next()), member.owner, () => fetch(member))
  }

  const streamOf = (member: Member) => ({
    on: (event: string, listener: Listener) => void member.listeners.set(event, listener),
    pause: () => void (member.paused = true),
    resume: () => void (member.paused = false),
    isPaused: () => member.paused,
    get offsetsToFetch() {
      return new Map([...member.positions].map(([p, at]) => [`${topics.trades}:${p}`, BigInt(at)]))
    },
    close() {
      member.open = false
      return Promise.resolve()
    },
  })

  const accept = (member: Member, offsets: readonly { partition: number; offset: bigint }[]): Error | null => {
    if (world.broker.down) return new NetworkError('the coordinator does not answer')
    if (member.generation !== generation) return new ProtocolError('ILLEGAL_GENERATION')
    for (const { partition, offset } of offsets) {
      const from = committed.get(partition) ?? 0
      log(`${member.owner.name} commits ${partition}@${offset}`)
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

  const join = (member: Member): Promise<object> =>
    new Promise((resolve, reject) =>
      travel(world, member.owner, () => {
        if (world.broker.down) return reject(new NetworkError('no broker answers'))
        members = [...members, member]
        log(`${member.owner.name} joined the group`)
        rebalance()
        heartbeat(member)
        resolve(streamOf(member))
        fetch(member)
      }),
    )

  return {
    connect(owner) {
      const member: Member = {
        owner,
        generation: -1,
        partitions: [],
        positions: new Map(),
        listeners: new Map(),
        paused: false,
        open: true,
      }
      const consumer = {
        on: () => undefined,
        consume: () => join(member),
        commit: commitOf(member),
        close() {
          leave(member)
          return Promise.resolve()
        },
        get assignments() {
          return [{ topic: topics.trades, partitions: member.partitions }]
        },
        listOffsets: () => Promise.resolve(new Map([[topics.trades, partitions.map((log) => BigInt(log.length))]])),
      }
      return consumer as unknown as RawConsumer
    },
    rebalance,
    breakStream() {
      const open = members.filter((member) => member.open && member.owner.alive)
      if (open.length === 0) return
      const member = random.pick(open)
      log(`the stream of ${member.owner.name} breaks`)
      scheduler.after(0, member.owner, () => say(member, 'error', new NetworkError('the stream broke')))
    },
  }
}
