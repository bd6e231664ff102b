// A Database as the service sees it, over a network that may lose or delay: a statement runs at most once, and the caller does
// not always learn whether it ran.

import type { Database } from '../../../src/store/sql.ts'
import type { Owner } from '../scheduler.ts'
import { fateOf, strayMs, travel, type World } from '../world.ts'
import { StatementError } from './errors.ts'
import { createFakeSql, type Execute, type Statement } from './fakeSql.ts'
import type { Reply } from './server.ts'
import { recognise } from './statements.ts'

/** The client's own time limit, longer than the server's. */
const deadlineMs = 4_000
const network: Owner = { name: 'network', alive: true }

const closed = () => new StatementError('CONNECTION_CLOSED', 'the connection was closed')
const refused = () => new StatementError('ECONNREFUSED', 'connection refused')

const late = () => new StatementError('DEADLINE_PASSED', `no answer within ${deadlineMs} ms`)

const nobodyWaits: Reply = () => undefined

/** The statement's way to the server and the answer's way back. */
const send = (world: World, statement: Statement, reply: Reply): void => {
  const { server, scheduler, plan, log } = world
  const fate = fateOf(world, plan.statements)
  if (fate !== 'fine') log(`${recognise(statement.text).name} will be ${fate}`)
  const arrive = (answer: Reply, cancel = false) =>
    travel(world, network, () => server.submit(statement, answer, { cancel }))
  switch (fate) {
    case 'fine':
      return arrive(reply)
    case 'canceled':
      return arrive(reply, true)
    case 'refused':
      return reply({ error: refused() })
    case 'dropped':
      return reply({ error: closed() })
    case 'lost':
      return arrive(() => reply({ error: closed() }))
    case 'stray':
      scheduler.after(strayMs(world), network, () => server.submit(statement, nobodyWaits))
      return reply({ error: closed() })
    case 'silent':
      return arrive(nobodyWaits)
  }
}

const unknownStatement = ({ text }: Statement): Error | null => {
  try {
    recognise(text)
    return null
  } catch (error) {
    return error as Error
  }
}

export const connect = (world: World, owner: Owner): Database => {
  const execute: Execute = (statement) =>
    new Promise((resolve, reject) => {
      const unknown = unknownStatement(statement)
      if (unknown !== null) {
        world.broken(unknown.message)
        return reject(unknown)
      }
      send(world, statement, (outcome) =>
        travel(world, owner, () => ('error' in outcome ? reject(outcome.error) : resolve(outcome.rows))),
      )
    })
  const sql = createFakeSql(execute)
  return {
    async run(statement) {
      const { promise: missed, reject } = Promise.withResolvers<never>()
      const timer = setTimeout(() => reject(late()), deadlineMs)
      try {
        return await Promise.race([statement(sql), missed])
      } finally {
        clearTimeout(timer)
      }
    },
    close: () => Promise.resolve(),
  }
}
