// Proves: `up` refuses what it cannot use in one sentence before anything starts, and the lines that it offers to try are orders
// that cross.

import { expect, test } from 'bun:test'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { inRepo } from '../../src/build/repository.ts'
import { readConfig } from '../engine/config.ts'
import { freePort } from './ports.ts'
import { topicNames } from './topics.ts'
import { readSettings, refuseTakenPorts } from './upSettings.ts'
import { tryLines } from './welcome.ts'

test('a taken port is one sentence with what to do', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const settings = { ...readSettings({}), serverPort: await freePort(), databaseUrl: 'given', kafkaPort: port }
  const how = `stop what listens there, or choose another with STACK_KAFKA_PORT=${port + 1}.`
  expect(refuseTakenPorts(settings)).rejects.toThrow(`Port ${port}, which Kafka needs, is taken: ${how}`)
  await refuseTakenPorts({ ...settings, kafka: 'given:9092' })
  server.close()
})

test('settings have defaults and refuse what is no port', () => {
  expect(readSettings({})).toMatchObject({ serverPort: 8085, partitions: 6, databaseUrl: null, kafka: null })
  expect(readSettings({ SERVER_PORT: '9000' }).serverPort).toBe(9000)
  expect(readSettings({}).engineFeatures).toBe('reports,display,post-only')
  expect(readSettings({ ENGINE_FEATURES: '' }).engineFeatures).toBe('')
  expect(() => readSettings({ SERVER_PORT: '80x' })).toThrow('SERVER_PORT must be a whole number')
})

test('FIX is off until it has a port, and has a session of its own unless a file is given', () => {
  expect(readSettings({}).fix).toBeNull()
  expect(readSettings({ FIX_PORT: '9880' }).fix).toEqual({ port: 9880, ownSession: true })
  expect(readSettings({ FIX_PORT: '9880', FIX_SESSIONS_FILE: 'sessions.jsonl' }).fix?.ownSession).toBe(false)
  expect(() => readSettings({ FIX_PORT: 'x' })).toThrow('FIX_PORT must be a whole number')
})

test('a version of a server that the stack does not have is refused before anything starts', () => {
  expect(() => readSettings({ STACK_POSTGRES_VERSION: '14' })).toThrow('STACK_POSTGRES_VERSION must be one of 15, ')
  expect(() => readSettings({ STACK_KAFKA_VERSION: '2.8' })).toThrow('STACK_KAFKA_VERSION must be one of 3.9, ')
  readSettings({ STACK_POSTGRES_VERSION: '15', STACK_KAFKA_VERSION: '3.9' })
})

test('the topic that the engine reports to is created before the engine waits for it, under the name that it is given', () => {
  expect(topicNames({})).toContain(readConfig({}).topics.reports)
  const named = { KAFKA_TOPIC_ORDER_REPORT: 'r', KAFKA_TOPIC_TRADE_EXECUTED: 't' }
  expect(topicNames(named)).toEqual(expect.arrayContaining(Object.values(readConfig(named).topics)))
})

test('the lines to try are orders that cross', () => {
  const [sell = '', buy = ''] = tryLines('http://localhost:8085', true)
  const bodies = [sell, buy].map((line) => JSON.parse(/-d '(.*)'$/.exec(line)?.[1] ?? '') as Record<string, unknown>)
  expect(bodies).toMatchObject([
    { side: 'SELL', ticker: 'AAPL', quantity: 100, price: 150.5 },
    { side: 'BUY', ticker: 'AAPL', quantity: 100, price: 150.5 },
  ])
})

test('a flag that is none is refused with those that there are, and --help ends by itself', () => {
  const run = (flag: string) => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, inRepo('tests', 'stack', 'up.ts'), flag])
    return { exitCode, out: stdout.toString(), err: stderr.toString() }
  }
  const refused = run('--fesh')
  expect(refused).toMatchObject({ exitCode: 2, out: '' })
  expect(refused.err).toStartWith("Unknown option '--fesh'\n\nbun run up [--fresh]")
  expect(run('--help')).toMatchObject({ exitCode: 0, err: '' })
})
