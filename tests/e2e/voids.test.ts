// Proves: of an order and a void with one key exactly one exists, and every answer agrees with the tables: in 10,000 random races of placements,
// their repetitions and voids over two replicas, while connections to Postgres are cut at any point, answers are lost after their commits,
// and clients go away before their answers.

import { expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { startProxy, type Proxy } from '../support/proxy.ts'
import { randomStream, type Random } from '../support/random.ts'
import type { RunningService } from '../support/service.ts'
import { createWorld, type World } from '../support/world.ts'

const seed = process.env['VOIDS_SEED'] ?? String(Date.now())
const races = Number(process.env['VOIDS_RACES'] ?? 10_000)
const racesAtATime = 200
/** A client that got no certain answer asks again; one that never gets one makes the test fail. */
const triesMax = 200
const pauseMs = 50

/** `order`: the order that the answer names. `unused`: a refusal that promises that nothing was stored. `unknown`: anything else. */
type Answer = { ask: Ask; says: 'order' | 'void' | 'unused' | 'unknown'; order: string | null; isNew: boolean }
type Ask = 'place' | 'other' | 'void'
type Key = { userId: string; clientOrderId: string }

const requestOf = (ask: Ask, key: Key): { path: string; body: object } =>
  ask === 'void'
    ? { path: '/orders/void', body: key }
    : { path: '/orders', body: orderBody({ ...key, price: ask === 'other' ? 151 : 150 }) }

const unknown = (ask: Ask): Answer => ({ ask, says: 'unknown', order: null, isNew: false })

const answerOf = async (ask: Ask, response: Response): Promise<Answer> => {
  const body = (await response.json()) as { id?: string; voided?: boolean; code?: string; order?: { id: string } }
  const named = (order: string | null, isNew = false): Answer => ({ ask, says: 'order', order, isNew })
  switch (`${response.status} ${body.code ?? ''}`.trim()) {
    case '202':
      return named(body.id!, !response.headers.has('idempotent-replayed'))
    case '422 IDEMPOTENCY_MISMATCH':
      return named(null)
    case '200':
      return body.voided === true ? { ask, says: 'void', order: null, isNew: false } : named(body.order!.id)
    case '409 VOIDED':
      return { ask, says: 'void', order: null, isNew: false }
    case '503 OVERLOADED':
      return { ask, says: 'unused', order: null, isNew: false }
    case '504 OUTCOME_UNKNOWN':
      return unknown(ask)
    default:
      throw new Error(`${ask} was answered with ${response.status} ${JSON.stringify(body)}`)
  }
}

const call = async (
  service: RunningService,
  { ask, key, leavesAfterMs }: { ask: Ask; key: Key; leavesAfterMs: number | null },
) => {
  const { path, body } = requestOf(ask, key)
  const leaving = new AbortController()
  const timer = leavesAfterMs === null ? undefined : setTimeout(() => leaving.abort(), leavesAfterMs)
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(`${service.url}${path}`, { ...init, signal: leaving.signal }).catch(() => null)
  const answer =
    response === null
      ? unknown(ask)
      : await answerOf(ask, response).catch((error: unknown) => {
          if (leaving.signal.aborted) return unknown(ask)
          throw error
        })
  clearTimeout(timer)
  return answer
}

/** One client: asks at once or a little later; `insists`: until the answer is certain. */
const client = async (
  rng: Random,
  { replicas, key, ask, insists }: { replicas: readonly RunningService[]; key: Key; ask: Ask; insists: boolean },
): Promise<Answer[]> => {
  const answers: Answer[] = []
  if (rng.chance(0.5)) await Bun.sleep(rng.below(6))
  for (let tries = 0; tries < triesMax; tries++) {
    const leavesAfterMs = rng.chance(0.1) ? rng.below(20) : null
    const answer = await call(rng.pick(replicas), { ask, key, leavesAfterMs })
    answers.push(answer)
    if (!insists || answer.says === 'order' || answer.says === 'void') return answers
    await Bun.sleep(pauseMs)
  }
  throw new Error(`no certain answer to ${ask} of ${key.clientOrderId}`)
}

const race = async (rng: Random, replicas: readonly RunningService[], key: Key): Promise<Answer[]> => {
  const asks: Ask[] = [
    'place',
    'void',
    ...Array.from({ length: rng.below(4) }, () => rng.pick<Ask>(['place', 'void', 'other'])),
  ]
  const insisting = rng.below(asks.length)
  const clients = rng.shuffle(asks.map((ask, n) => ({ replicas, key, ask, insists: n === insisting })))
  return (await Promise.all(clients.map((one) => client(rng.fork(), one)))).flat()
}

type Row = { key: string; holder: string | null; order: string | null }

/** What is wrong with the answers of one race, beside what the tables say; null: nothing. */
const faultOf = (answers: readonly Answer[], row: Row | undefined): string | null => {
  if (row === undefined) return 'nobody holds the key'
  if (row.holder !== row.order) return `the key names ${row.holder}, and its order is ${row.order}`
  const certain = answers.filter(({ says }) => says === 'order' || says === 'void')
  const wrong = certain.find(({ says, order }) =>
    row.order === null ? says !== 'void' : says !== 'order' || (order !== null && order !== row.order),
  )
  if (wrong !== undefined) return `${JSON.stringify(wrong)} was answered, and the order is ${row.order}`
  if (answers.filter(({ isNew }) => isNew).length > 1) return 'the order was new twice'
  // Whoever was told that nothing was stored can have stored nothing.
  const storers = answers.filter(({ ask, says }) => (ask === 'void') === (row.order === null) && says !== 'unused')
  return storers.length === 0 ? 'whoever could have stored it was told that nothing was stored' : null
}

/** Until `over`: cuts the connections of a replica, or loses the answer of a statement that has been committed. */
const trouble = async (rng: Random, proxies: readonly Proxy[], over: AbortSignal): Promise<number> => {
  let times = 0
  while (!over.aborted) {
    await Bun.sleep(rng.int(100, 800))
    const proxy = rng.pick(proxies)
    if (rng.chance(0.5)) proxy.cut()
    else proxy.loseAnswer('insert into order_keys')
    times++
  }
  return times
}

const readRows = async ({ sql }: World): Promise<Map<string, Row[]>> => {
  const rows = await sql<Row[]>`
    select coalesce(k.client_order_id, o.client_order_id) as key, k.order_id as holder, o.id as "order"
    from order_keys k full join orders o on o.user_id = k.user_id and o.client_order_id = k.client_order_id`
  return Map.groupBy(rows, ({ key }) => key)
}

/** Some 170 s on two cores that have thirty other processes waiting for them. */
const limitMs = 900_000

test(
  'of an order and a void with one key exactly one exists, and every answer agrees',
  async () => {
    const rng = randomStream('voids', seed)
    await using world = await createWorld()
    const proxies = [await startProxy(world.databaseUrl), await startProxy(world.databaseUrl)]
    const replicas = await Promise.all(
      proxies.map(({ url }) => world.start({ env: { DATABASE_URL: `${url}?sslmode=disable` } })),
    )
    const over = new AbortController()
    const troubles = trouble(rng.fork(), proxies, over.signal)

    const all: { key: string; answers: Answer[] }[] = []
    let next = 0
    const runner = async (own: Random): Promise<void> => {
      while (next < races) {
        const clientOrderId = `race-${next++}`
        const userId = `00000000-0000-4000-8000-${String(own.below(50)).padStart(12, '0')}`
        all.push({ key: clientOrderId, answers: await race(own, replicas, { userId, clientOrderId }) })
      }
    }
    await Promise.all(Array.from({ length: racesAtATime }, () => runner(rng.fork())))
    over.abort()
    expect(await troubles).toBeGreaterThan(5)
    // Whatever a client did not wait for has its outcome too.
    expect(await Promise.all(replicas.map((replica) => replica.stop()))).toEqual([0, 0])
    await Promise.all(proxies.map((proxy) => proxy.stop()))

    const rows = await readRows(world)
    const faults = all.flatMap(({ key, answers }) => {
      const found = rows.get(key) ?? []
      const fault = found.length > 1 ? `${found.length} rows` : faultOf(answers, found[0])
      return fault === null ? [] : [`seed ${seed}, ${key}: ${fault}`]
    })
    expect(faults).toEqual([])
    expect(all).toHaveLength(races)
    const says = Map.groupBy(
      all.flatMap(({ answers }) => answers),
      ({ says: said }) => said,
    )
    const voids = [...rows.values()].flat().filter(({ order }) => order === null).length
    console.log(
      `${races} races, seed ${seed}: ${races - voids} orders, ${voids} voids; ${['order', 'void', 'unused', 'unknown']
        .map((said) => `${says.get(said as Answer['says'])?.length ?? 0} ${said}`)
        .join(', ')}`,
    )
    expect(voids).toBeGreaterThan(races / 20)
    expect(races - voids).toBeGreaterThan(races / 20)
  },
  limitMs,
)
