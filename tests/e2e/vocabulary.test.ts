// Proves: order.placed.v1 speaks the original vocabulary. A reader as strict as the first one stops its partition at any other
// word.

import { decodePlaced } from '../engine/messages.ts'
import { expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { runBinary } from '../support/service.ts'
import { ownWorld } from '../support/world.ts'

const { world, service } = await ownWorld()

/** Written down here and not taken from the service: these are the words of those who read. */
const original = { side: ['BUY', 'SELL'], type: ['LIMIT', 'MARKET'], timeInForce: ['GTC', 'IOC', 'FOK'] } as const
const onTopic = { GTC: 'GTC', IOC: 'IOC', FOK: 'FOK', DAY: 'GTC' } as const

test('every lawful order is published in words that the first engine knows, and stays what it is here', async () => {
  const requests = (Object.keys(onTopic) as (keyof typeof onTopic)[]).flatMap((timeInForce) =>
    original.type.flatMap((type) => original.side.map((side) => ({ side, type, timeInForce }))),
  )
  const placed = await Promise.all(
    requests.map(async (terms) => {
      const members = terms.type === 'MARKET' ? { ...terms, price: undefined } : terms
      const { status, json } = await service.post(orderBody(members))
      expect({ status, order: json }).toMatchObject({ status: 202, order: terms })
      return { terms, id: String(json['id']) }
    }),
  )
  const events = await world.kafka.readUntil(world.topics.placed, placed.length)
  for (const { terms, id } of placed) {
    const { bytes } = events.find(({ value }) => value!.includes(id))!
    const message = JSON.parse(bytes!.toString()) as Record<string, string>
    for (const member of ['side', 'type', 'timeInForce'] as const)
      expect([...original[member]] as string[]).toContain(message[member]!)
    expect(message).toMatchObject({ ...terms, timeInForce: onTopic[terms.timeInForce] })
    expect(decodePlaced(bytes)).toMatchObject({ id, ...terms, timeInForce: onTopic[terms.timeInForce] })
    expect((await service.http(`/orders/${id}`)).json).toMatchObject(terms)
  }
  expect(await world.sql`select time_in_force from orders where time_in_force = 'DAY'`).toHaveLength(4)
})

test('verify takes a DAY order that was published as GTC, and one that an older version published as DAY, but no other word', async () => {
  const { status, json } = await service.post(orderBody({ ticker: 'OLD', timeInForce: 'DAY' }))
  expect(status).toBe(202)
  await world.outboxEmpty()
  expect(await runBinary(['verify', '--topics'], world.env)).toMatchObject({ exitCode: 0 })
  const event = (await world.kafka.read(world.topics.placed)).find(({ value }) => value!.includes(String(json['id'])))!
  const again = (word: string) => ({
    topic: world.topics.placed,
    key: 'OLD',
    value: event.value!.replace('"GTC"', `"${word}"`),
    headers: event.headers,
  })
  await world.kafka.publish([again('DAY')])
  expect(await runBinary(['verify', '--topics'], world.env)).toMatchObject({ exitCode: 0 })
  await world.kafka.publish([again('IOC')])
  const { exitCode, out } = await runBinary(['verify', '--topics'], world.env)
  expect(exitCode).toBe(1)
  expect(out).toContain('time_in_force')
})
