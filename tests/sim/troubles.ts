// The troubles of a run: crashes, outages and rebalances at times that the seed draws, and the moment when everything heals.

import type { Fleet } from './fleet.ts'
import { topics } from './kafka/broker.ts'
import { takeBackup } from './postgres/backup.ts'
import { tickers } from './postgres/tickers.ts'
import type { Owner } from './scheduler.ts'
import type { World } from './world.ts'

const fate: Owner = { name: 'fate', alive: true }

/** Draws the troubles; answers when everything has healed, in ms. */
export const startTroubles = (world: World, fleet: Fleet): number => {
  const { plan, random, scheduler, server, broker, group, log } = world
  const healedAt = random.int(1_500, 5_000)
  const times = (count: number, happen: () => void): void => {
    for (let i = 0; i < count; i++) scheduler.after(random.next() * healedAt, fate, happen)
  }
  /** Ends after a while, at the latest when everything heals. */
  const outage = (name: string, recover: () => void): void => {
    const ms = Math.min(random.skewed(4_000) + 20, healedAt - scheduler.now())
    log(`${name} for ${ms.toFixed(0)} ms`)
    scheduler.after(ms, fate, () => {
      log(`${name} is over`)
      recover()
    })
  }

  times(plan.kills, fleet.kill)
  times(plan.restarts, fleet.restart)
  times(plan.rebalances, () => random.pick([group, world.reportGroup]).rebalance())
  times(plan.streamFailures, () => random.pick([group, world.reportGroup]).breakMember())
  times(plan.postgresCrashes, () => {
    server.crash()
    outage('postgres is down', server.recover)
  })
  times(plan.longTransactions, () => server.hold(Math.min(random.skewed(4_000), healedAt - scheduler.now())))
  times(plan.loss ? 1 : 0, () => (world.backup = takeBackup(world.db, scheduler.now())))
  times(plan.brokerOutages, () => {
    broker.down = true
    outage('kafka is down', () => (broker.down = false))
  })
  times(plan.partitionOutages, () => {
    const topic = random.pick([topics.placed, topics.cancelled, topics.deadLetters, topics.reportLetters])
    const partition = `${topic}-${random.int(0, broker.logs.get(topic)!.length - 1)}`
    broker.leaderless.add(partition)
    outage(`${partition} has no leader`, () => broker.leaderless.delete(partition))
  })
  times(plan.poisonedTickers, () => {
    const ticker = tickers[random.int(0, plan.tickers - 1)]!
    broker.poisoned.add(ticker)
    outage(`records of ${ticker} are refused`, () => broker.poisoned.delete(ticker))
  })
  scheduler.after(healedAt, fate, () => {
    log('everything has healed')
    world.faulty = false
    server.recover()
    broker.down = false
    broker.leaderless.clear()
    broker.poisoned.clear()
  })
  return healedAt
}
