// The end of some runs: Postgres comes back as it was some time ago, and life goes on. What was promised in between is lost, and nobody
// expects it back; but whoever follows the log has to see all that happens from then on, or be told to begin anew.

import { everybody } from '../../src/app/caller.ts'
import { wholeAmount } from '../../src/domain/decimal.ts'
import type { Fleet } from './fleet.ts'
import type { Journal } from './journal.ts'
import { restore, type Backup } from './postgres/backup.ts'
import { tickers } from './postgres/tickers.ts'
import type { Loss } from './promises/loss.ts'
import type { Owner } from './scheduler.ts'
import type { World } from './world.ts'

const downMs = 200
const clientsMax = 3

/** Places some orders, and cancels some of them. */
const live = async (world: World, fleet: Fleet, { userId, owner }: { userId: string; owner: Owner }): Promise<void> => {
  const { random, scheduler, plan } = world
  const call = { caller: everybody, requestId: owner.name, traceparent: owner.name }
  for (let i = random.int(1, 8); i > 0; i--) {
    await scheduler.pause(random.skewed(300))
    const ticker = tickers[random.int(0, plan.tickers - 1)]!
    const amounts = { quantity: wholeAmount(random.int(1, 9)), price: wholeAmount(random.int(1, 5)) }
    const kind = { side: random.pick(['BUY', 'SELL'] as const), type: 'LIMIT', timeInForce: 'GTC' } as const
    const none = { stopPrice: null, displayQuantity: null, postOnly: null, expiresAt: null }
    const terms = { userId, clientOrderId: null, ticker, ...kind, ...amounts, ...none }
    const { result } = await fleet.call(owner, 'place', (service) => service.place(call, { terms, formerKey: null }))
    if (result?.ok !== true || random.chance(0.5)) continue
    const { id } = result.order
    await fleet.call(owner, 'cancel', (service) => service.cancel(call, id))
  }
}

/** Loses what was written since the backup. `isOver`: life went on for a while. */
export const lose = (
  world: World,
  fleet: Fleet,
  journal: Journal,
  backup: Backup,
): { loss: Loss; isOver: () => boolean } => {
  const { random, scheduler, server, db, log } = world
  const loss: Loss = { takenAt: backup.takenAt, at: scheduler.now() }
  log(`postgres comes back as it was at ${backup.takenAt}`)
  server.crash()
  restore(db, backup, random.next)
  let active = random.int(1, clientsMax)
  for (let i = 1; i <= active; i++) {
    const owner = { name: `l${i}`, alive: true }
    const userId = random.pick(journal.users)
    const act = async (): Promise<void> => {
      await live(world, fleet, { userId, owner })
      active--
    }
    scheduler.after(downMs + random.next() * 500, owner, () => void act())
  }
  scheduler.after(downMs, { name: 'fate', alive: true }, server.recover)
  return { loss, isOver: () => active === 0 && db.open.size === 0 }
}
