// The replicas of a run, and the path of a client's call to one of them and back.

import type { Follow } from '../../src/app/follow.ts'
import type { Service } from '../../src/app/service.ts'
import { startReplica, type Replica } from './replica.ts'
import type { Owner } from './scheduler.ts'
import { travel, type World } from './world.ts'

/** `unreached`: no replica ever saw it. `lost`: it may have done anything. */
export type Answer<T> = { result: T } | { result: null; why: 'unreached' | 'lost' }

export type Fleet = {
  call: <T>(client: Owner, name: string, use: (service: Service, follow: Follow) => Promise<T>) => Promise<Answer<T>>
  /** Opens a connection: `serve` is called there, and `hangUp` here if there is no replica, or once its process is gone. */
  follow: (client: Owner, ends: { serve: (follow: Follow, door: Owner) => Promise<void>; hangUp: () => void }) => void
  kill: () => void
  restart: () => void
  /** Every place has a replica that runs. */
  complete: () => boolean
}

type Place = { name: string; lives: number; replica: Replica | null; killed: boolean; pending: Set<() => void> }

const operator: Owner = { name: 'operator', alive: true }

export const createFleet = (world: World, onBug: (error: unknown) => void): Fleet => {
  const { scheduler, random, log, plan } = world
  const places = Array.from({ length: plan.replicas }, (_, i): Place => {
    return { name: `r${i + 1}`, lives: 0, replica: null, killed: false, pending: new Set() }
  })

  const start = (place: Place, withinMs = 50): void => {
    const owner: Owner = { name: `${place.name}.${++place.lives}`, alive: true }
    scheduler.after(random.next() * withinMs, owner, () => {
      log('starts')
      place.killed = false
      place.replica = startReplica(world, owner, onBug)
    })
  }
  for (const [i, place] of places.entries()) start(place, i === 0 ? 50 : plan.startWithinMs)

  /** Clients that wait for an answer of a dead process learn it from their connection. */
  const hangUp = (place: Place): void => {
    for (const tell of place.pending) tell()
    place.pending.clear()
  }

  const running = (): Place[] => places.filter(({ replica }) => replica?.owner.alive === true)

  const awaitEnd = (place: Place): void => {
    if (place.killed) return
    if (place.replica?.owner.alive === true) return void scheduler.after(50, operator, () => awaitEnd(place))
    log(`${place.name} has stopped`)
    hangUp(place)
    start(place)
  }

  return {
    call: (client, name, use) =>
      new Promise((resolve) => {
        const place = random.pick(places)
        const { replica } = place
        const answer = (result: Parameters<typeof resolve>[0]) => travel(world, client, () => resolve(result))
        const service = replica?.service() ?? null
        if (replica === null || service === null) return answer({ result: null, why: 'unreached' })
        const hungUp = (): void => answer({ result: null, why: 'lost' })
        place.pending.add(hungUp)
        log(`calls ${replica.owner.name}: ${name}`)
        travel(world, replica.owner, () => {
          const open = replica.service()
          if (open === null) {
            place.pending.delete(hungUp)
            return answer({ result: null, why: 'unreached' })
          }
          void use(open, replica.follow).then((result) => {
            if (!place.pending.delete(hungUp)) return
            const lost = world.faulty && random.chance(plan.calls.lost)
            return answer(lost ? { result: null, why: 'lost' } : { result })
          })
        })
      }),
    follow(client, { serve, hangUp }) {
      const place = random.pick(places)
      const { replica } = place
      const tell = (): void => travel(world, client, hangUp)
      if ((replica?.service() ?? null) === null) return tell()
      log(`follows at ${replica!.owner.name}`)
      place.pending.add(tell)
      travel(world, replica!.owner, () => {
        if (replica!.service() !== null) return void serve(replica!.follow, replica!.owner)
        if (place.pending.delete(tell)) tell()
      })
    },
    kill() {
      const alive = running()
      if (alive.length === 0) return
      const place = random.pick(alive)
      log(`${place.replica!.owner.name} is killed`)
      place.replica!.kill()
      place.killed = true
      hangUp(place)
      scheduler.after(random.next() * 3_000, operator, () => start(place))
    },
    restart() {
      const open = running().filter(({ replica }) => replica!.service() !== null)
      if (open.length === 0) return
      const place = random.pick(open)
      log(`${place.replica!.owner.name} is asked to stop`)
      const { owner } = place.replica!
      scheduler.after(0, owner, place.replica!.stop)
      awaitEnd(place)
    },
    complete: () => running().length === places.length && places.every(({ replica }) => replica!.service() !== null),
  }
}
