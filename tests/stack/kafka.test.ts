// Proves: messages survive a SIGKILL of the broker, and `tail` shows them.

import { expect, test } from 'bun:test'
import { Producer } from '@platformatic/kafka'
import { inRepo } from '../../src/build/repository.ts'
import { temporaryDir } from '../support/servers.ts'
import { startKafka } from './kafka.ts'
import { freePort } from './ports.ts'
import { createTopics } from './topics.ts'

const produce = async (bootstrap: string, topic: string, value: string): Promise<void> => {
  const producer = new Producer({ clientId: 'test', bootstrapBrokers: [bootstrap] })
  const headers = new Map([[Buffer.from('eventId'), Buffer.from('e-1')]])
  await producer.send({ messages: [{ topic, key: Buffer.from('AAPL'), value: Buffer.from(value), headers }] })
  await producer.close()
}

const tail = async (bootstrap: string, ...args: string[]): Promise<{ exitCode: number; out: string; err: string }> => {
  const env = { ...process.env, KAFKA_BOOTSTRAP_SERVERS: bootstrap }
  const stdio = ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe']
  const child = Bun.spawn([process.execPath, inRepo('tests', 'stack', 'tail.ts'), ...args], { stdio, env })
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  return { exitCode: await child.exited, out, err }
}

test('messages survive a SIGKILL of the broker, and tail shows them', async () => {
  const server = await startKafka({ dataDir: temporaryDir('kafka'), port: await freePort() })
  try {
    const { bootstrap } = server
    const topics = { names: ['a.v1', 'b.v1'], partitions: 3 }
    expect(await createTopics(bootstrap, topics)).toEqual(['a.v1', 'b.v1'])
    expect(await createTopics(bootstrap, topics)).toEqual([])
    await produce(bootstrap, 'a.v1', '{"n":1,"text":"a\tb"}')

    await server.kill()
    await server.restart()
    await produce(bootstrap, 'a.v1', '{"n":2}')

    const output = await tail(bootstrap, 'a.v1', '--from-beginning', '--count', '2')
    const [first, second] = output.out.trim().split('\n')
    expect(output.exitCode).toBe(0)
    expect(first).toMatch(/^\d:0 \d{4}-\d\d-\d\dT[\d:.]+Z AAPL eventId=e-1 \{"n":1,"text":"a\\tb"\}$/)
    expect(second).toMatch(/^\d:1 .* \{"n":2\}$/)

    const unknown = await tail(bootstrap, 'nope')
    expect(unknown).toMatchObject({ exitCode: 1, err: 'no topic "nope": there are a.v1, b.v1.\n' })
  } finally {
    await server.stop()
  }
})
