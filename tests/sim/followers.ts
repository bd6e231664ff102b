// Followers of the log: they stream and poll by turns, lose their connection, and resume with their cursor at any replica. What each
// of them saw is kept in the journal, and promises/log.ts holds it against the log.

import type { EventFilter, Follow, ResetReason, Step } from '../../src/app/follow.ts'
import type { Random } from '../support/random.ts'
import type { Fleet } from './fleet.ts'
import type { FollowerRecord, Journal, Segment } from './journal.ts'
import { tickers } from './postgres/tickers.ts'
import type { Owner } from './scheduler.ts'
import type { World } from './world.ts'

type Follower = {
  world: World
  fleet: Fleet
  random: Random
  owner: Owner
  record: FollowerRecord
  /** The last one that it got; null: it begins anew. */
  cursor: string | null
}

const begin = ({ world, record }: Follower, how: 'stream' | 'poll'): Segment => {
  const snapshot = how === 'stream' ? [] : null
  const segment: Segment = { beganAt: world.scheduler.now(), liveAt: null, snapshot, events: [] }
  record.segments.push(segment)
  return segment
}

/** The segment that goes on with the cursor, or a new one without it. */
const resume = (follower: Follower, how: 'stream' | 'poll'): void => {
  if (follower.cursor === null) begin(follower, how)
}

const reset = (follower: Follower, reason: ResetReason): void => {
  follower.record.resets.push({ reason, at: follower.world.scheduler.now() })
  follower.cursor = null
}

/** A step that arrived, or only the first part of its events, if the connection broke in their middle. */
const take = (follower: Follower, step: Step, share = 1): void => {
  const { world, record } = follower
  const at = world.scheduler.now()
  const segment = record.segments.at(-1)!
  switch (step.kind) {
    case 'snapshot':
      segment.snapshot!.push(...step.orders.map(({ id, version, status }) => ({ id, version, status, at })))
      return
    case 'live':
      segment.liveAt = at
      follower.cursor = step.cursor
      return
    case 'events':
      for (const { event, cursor } of step.events.slice(0, Math.ceil(step.events.length * share))) {
        segment.events.push({ text: event.text, at })
        follower.cursor = cursor
      }
      return
    case 'idle':
      follower.cursor = step.cursor
      return
    case 'reset':
      reset(follower, step.reason)
      begin(follower, 'stream')
      return
    case 'lagging':
    case 'ended':
      // Their cursor is that of the last step, which has arrived or was lost on the way; the follower goes by its own.
      return
  }
}

const describe = (step: Step): string => (step.kind === 'events' ? `${step.events.length} events` : step.kind)

const isLast = ({ kind }: Step): boolean => kind === 'lagging' || kind === 'ended'

/** Streams until the connection breaks, or the follower has enough. */
const stream = async (follower: Follower): Promise<void> => {
  const { world, fleet, random, owner, record } = follower
  const { scheduler, plan } = world
  resume(follower, 'stream')
  const isSlow = random.chance(plan.slowFollowers)
  const { promise: over, resolve } = Promise.withResolvers<void>()
  const underWay: Step[] = []
  let open = true
  const hangUp = (): void => {
    const [next] = underWay
    if (open && next?.kind === 'events' && random.chance(0.5)) take(follower, next, random.next())
    open = false
    resolve()
  }
  const arrive = (): void => {
    if (!open) return
    const step = underWay.shift()!
    world.log(`gets ${describe(step)}`)
    take(follower, step)
    if (isLast(step)) hangUp()
  }
  /** Steps arrive in the order of their sending. The door sends the next one at once, or once a slow reader has taken this one. */
  const serve = async (follow: Follow, door: Owner): Promise<void> => {
    const opened = follow.open(record.filter, follower.cursor)
    if (!opened.ok) return world.broken(`${record.name}: its cursor was refused`)
    void over.then(() => scheduler.after(random.skewed(plan.travelMaxMs), door, opened.following.close))
    for (let at = 0, step: Step | null = null; step === null || !isLast(step);) {
      step = await opened.following.next()
      underWay.push(step)
      at = Math.max(at, scheduler.now() + random.skewed(plan.travelMaxMs) + (isSlow ? random.skewed(800) : 0))
      const { promise: taken, resolve: goOn } = Promise.withResolvers<void>()
      scheduler.after(at - scheduler.now(), owner, () => {
        arrive()
        scheduler.after(0.1, door, goOn)
      })
      if (isSlow) await taken
    }
  }
  fleet.follow(owner, { serve, hangUp })
  if (scheduler.now() < plan.followersRestAfterMs) scheduler.after(random.skewed(3_000), owner, hangUp)
  await over
}

/** Polls some pages. */
const poll = async (follower: Follower): Promise<void> => {
  const { world, fleet, random, owner, record } = follower
  for (let pages = random.int(1, 8); pages > 0; pages--) {
    resume(follower, 'poll')
    const segment = record.segments.at(-1)!
    const [{ filter }, { cursor }, limit] = [record, follower, random.pick([1, 3, 1_000])]
    const { result } = await fleet.call(owner, 'poll', (_, follow) => follow.page(filter, cursor, limit))
    if (result?.ok === true) {
      const at = world.scheduler.now()
      segment.liveAt ??= at
      segment.events.push(...result.events.map(({ text }) => ({ text, at })))
      follower.cursor = result.cursor
    } else if (result?.code === 'CURSOR_EXPIRED') reset(follower, result.reason)
    else if (result?.code === 'BAD_CURSOR') world.broken(`${record.name}: its cursor was refused`)
    await world.scheduler.pause(random.skewed(400))
  }
}

const someFilter = ({ random, plan }: World, journal: Journal): EventFilter => ({
  ...(random.chance(0.3) && { ticker: tickers[random.int(0, plan.tickers - 1)]! }),
  ...(random.chance(0.3) && { userId: random.pick(journal.users) }),
})

/** Starts them once the clients are there; they never end. */
export const startFollowers = (world: World, fleet: Fleet, journal: Journal): void => {
  const { scheduler, plan } = world
  const live = async (follower: Follower): Promise<void> => {
    for (;;) {
      await (follower.random.chance(0.7) ? stream(follower) : poll(follower))
      await scheduler.pause(follower.random.skewed(600))
    }
  }
  for (let i = 1; i <= plan.followers; i++) {
    const random = world.random.fork()
    const owner = { name: `f${i}`, alive: true }
    const record: FollowerRecord = { name: owner.name, filter: someFilter(world, journal), segments: [], resets: [] }
    journal.followers.push(record)
    const follower: Follower = { world, fleet, random, owner, record, cursor: null }
    scheduler.after(random.next() * 1_500, owner, () => void live(follower))
  }
}
