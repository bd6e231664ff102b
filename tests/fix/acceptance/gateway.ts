// The compiled service as the acceptor that the suite judges: on a Postgres and a Kafka of its own, with the suite's session in its file.
//
// The suite's server sends every order back. The service has another application: what is expected where the suite expects an order back is one
// message of the application with the same number and the same PossDup. A logon of the suite has no password, and each session has one here.

import { freePort } from '../../stack/ports.ts'
import { createDatabase } from '../../stack/postgres.ts'
import { kafkaServer, postgresServer } from '../../support/servers.ts'
import { startService } from '../../support/service.ts'
import { secretOf, sessionRow, sessionsFile } from '../client/sessions.ts'
import { asQuickfix, type Manner } from './definition.ts'

const soh = '\u0001'

/** Definitions that the service does not pass, each with why. */
export const exceptions: Readonly<Record<string, string>> = {
  '14e_IncorrectEnumValue.def': 'SecurityType (167) changes nothing about an order here, so its value is not looked at',
  '19a_PossResendMessageThatHAsAlreadyBeenSent.def':
    'the suite’s server ignores an order that it has; FIX’s matrix F.1.b, and the service, answer with its state',
}

const valueIn = (message: string, tag: number): string | undefined =>
  new RegExp(`(?:^|${soh})${tag}=([^${soh}]*)${soh}`).exec(message)?.[1]

/** The type of an order or a security definition, which the suite's server sends back. */
const echoed = /^[Dd]$/
const ofApplication = /^[89jr]$/
/** What a message of any application has in common with an echo: whose it is, its number, whether it comes again. */
const lasting = [8, 34, 43, 49, 56] as const

const asGateway: Manner = {
  said: (line) =>
    line.startsWith('8=') && valueIn(line, 35) === 'A' && valueIn(line, 9) === undefined
      ? `${line}554=${secretOf('suite')}${soh}`
      : line,
  difference(expected, actual) {
    if (!echoed.test(valueIn(expected, 35) ?? '')) return asQuickfix.difference(expected, actual)
    const same =
      ofApplication.test(valueIn(actual, 35) ?? '') &&
      lasting.every((tag) => valueIn(expected, tag) === valueIn(actual, tag)) &&
      (valueIn(expected, 122) === undefined) === (valueIn(actual, 122) === undefined)
    return same
      ? null
      : `expected an application's message like ${expected.replaceAll(soh, '|')}, got ${actual.replaceAll(soh, '|')}`
  },
}

export const startGateway = async () => {
  const [postgres, kafka, port] = await Promise.all([postgresServer(), kafkaServer(), freePort()])
  const sessions = await sessionsFile([
    sessionRow('suite', {
      sender: 'TW',
      target: 'ISLD',
      resetOnLogon: true,
      heartbeatMinSeconds: 1,
      heartbeatMaxSeconds: 3600,
    }),
  ])
  const service = await startService({
    env: {
      DATABASE_URL: await createDatabase(postgres.url, 'fix_acceptance'),
      KAFKA_BOOTSTRAP_SERVERS: kafka.bootstrap,
      FIX_PORT: String(port),
      FIX_SESSIONS_FILE: sessions,
      SHUTDOWN_READINESS_DELAY_MS: '0',
    },
  })
  return { port, manner: asGateway, stop: () => service.stop() }
}
