// A firm that trades over FIX, is away, and has what it missed sent again.

import { openFixClient, type FixClient } from '../../fix/gateway/fixClient.ts'
import { deskUser } from '../../support/largeTables.ts'
import type { RunningService } from '../../support/service.ts'
import { until } from '../../support/until.ts'
import { placeMany, times } from './trading.ts'

export const fixPassword = 'a password of a test, which nobody chose'

const fixOrder = (id: string) =>
  [
    [11, id],
    [55, 'T40'],
    [54, '1'],
    [38, '10'],
    [40, '2'],
    [44, '187.25'],
    [59, '1'],
    [60, '20260131-12:00:00.000'],
  ] as [number, string][]

const tradeByFix = async (client: FixClient, round: string): Promise<void> => {
  await client.logon([[554, fixPassword]])
  for (let n = 0; n < 60; n++) client.send('D', fixOrder(`${round}-${n}`))
  await client.next('8', 59)
  for (let n = 0; n < 30; n++)
    client.send('F', [
      [11, `${round}-c-${n}`],
      [41, `${round}-${n}`],
      [55, 'T40'],
      [54, '1'],
      [60, '20260131-12:00:00.000'],
    ])
  client.send('D', fixOrder(`${round}-1`))
  client.send('H', [
    [11, `${round}-2`],
    [55, 'T40'],
    [54, 1],
  ] as never)
  client.send('q', [
    [11, `${round}-q`],
    [530, '1'],
    [55, 'T40'],
    [60, '20260131-12:00:00.000'],
  ])
  client.send('2', [
    [7, '1'],
    [16, '1500'],
  ])
  await until(() => client.messages.length > 1_000, { what: 'the messages are sent again' })
  client.send('5')
  await client.closed()
}

export const tradeOverFix = async (service: RunningService, port: number): Promise<void> => {
  using client = await openFixClient({ port })
  await tradeByFix(client, 'a')
  await placeMany(
    service,
    times(250, (n) => ({ userId: deskUser, ticker: `T${n % 200}` })),
  )
  using again = await openFixClient({ port, number: client.number() })
  await tradeByFix(again, 'b')
}
