// Proves: what a connection has to send goes out whole and in order however little a socket takes; what is counted of it; messages are taken one by
// one, and none while paused; pages and messages have their turns; the log says why a logon is
// closed; and nothing of the door is loaded by a service without it.

import { describe, expect, test } from 'bun:test'
import { dirname, join, normalize } from 'node:path'
import { createClockJumps } from '../../../src/fix/gateway/clockJumps.ts'
import { createConversation } from '../../../src/fix/gateway/conversation.ts'
import { createInbox, type Item } from '../../../src/fix/gateway/inbox.ts'
import { createReceiving } from '../../../src/fix/gateway/receiving.ts'
import { createSending } from '../../../src/fix/gateway/sending.ts'
import type { Peer } from '../../../src/fix/gateway/types.ts'
import { typesIn } from '../../../src/fix/gateway/typesIn.ts'
import { decode, encode, valueOf } from '../../../src/fix/protocol/codec.ts'
import type { Message } from '../../../src/fix/protocol/codec.ts'
import type { Read } from '../../../src/fix/protocol/reader.ts'
import { quietLog } from '../../support/quietLog.ts'
import { createRandom } from '../../support/random.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('sending', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('keeps what a socket does not take: seed %d', async (seed) => {
    const random = createRandom(seed)
    const [given, taken]: [number[], number[]] = [[], []]
    let sent = 0
    const sending = createSending({
      write(bytes) {
        const count = random.chance(0.2) ? -1 : random.int(0, bytes.length)
        taken.push(...bytes.subarray(0, Math.max(0, count)))
        return count
      },
      onSent: () => void sent++,
      now: () => 0,
    })
    for (let i = 0; i < 300; i++) {
      const bytes = Uint8Array.from({ length: random.int(0, 40) }, () => random.int(0, 255))
      given.push(...bytes)
      sending.add(bytes)
      if (random.chance(0.3)) await turn()
      if (random.chance(0.3)) sending.flush()
      expect(sending.unsent()).toBe(given.length - taken.length)
    }
    while (sending.unsent() > 0) sending.flush()
    expect(taken).toEqual(given)
    expect(sent).toBeGreaterThan(0)
  })

  test('puts together what is written in one turn, in portions of at most 256 KiB', async () => {
    const writes: number[] = []
    const sending = createSending({
      write: (bytes) => (writes.push(bytes.length), bytes.length),
      onSent: () => undefined,
      now: () => 0,
    })
    for (let i = 0; i < 10_000; i++) sending.add(new Uint8Array(100))
    expect(writes).toEqual([])
    await turn()
    expect([writes.length, Math.max(...writes) <= 262_144, sending.unsent()]).toEqual([4, true, 0])
  })

  test('says for how long a socket has taken nothing of what there is', async () => {
    let [now, takes] = [0, 0]
    const sending = createSending({ write: () => takes, onSent: () => undefined, now: () => now })
    now = 500
    expect(sending.stuckMs()).toBe(0)
    sending.add(new Uint8Array(10))
    await turn()
    now = 800
    expect(sending.stuckMs()).toBe(300)
    takes = 4
    sending.flush()
    expect([sending.unsent(), sending.stuckMs()]).toEqual([6, 0])
  })
})

test('the types of what was encoded are those of its messages', () => {
  const [one, two] = [encode('AE', [], [[58, '8=FIX.4.4\u00019=5']]), encode('8', [[34, '7']], [])]
  expect(typesIn(one)).toEqual(['AE'])
  expect(typesIn(Buffer.concat([one, two, one]))).toEqual(['AE', '8', 'AE'])
  expect(typesIn(Buffer.concat([two, one.subarray(0, 8)]))).toEqual(['8'])
  for (const bytes of [new Uint8Array(0), new Uint8Array(100), Buffer.from('8=FIX.4.4\u00019=5\u0001x')])
    expect(typesIn(bytes)).toEqual([])
})

describe('receiving', () => {
  const start = (take: (read: Read, receiving: ReturnType<typeof createReceiving>) => void) => {
    const calls: string[] = []
    const receiving: ReturnType<typeof createReceiving> = createReceiving({
      pause: () => calls.push('pause'),
      resume: () => calls.push('resume'),
      take: (read) => take(read, receiving),
    })
    return { receiving, calls }
  }
  const numberOf = (read: Read): string =>
    read.kind === 'message' ? (valueOf(read.message.fields, 34) ?? '') : read.kind
  const chunk = (from: number, to: number): Uint8Array =>
    Buffer.concat(Array.from({ length: to - from }, (_, i) => encode('0', [[34, String(from + i)]], [])))

  test('stops within a chunk, and goes on where it stopped, never from within', async () => {
    const taken: string[] = []
    const { receiving, calls } = start((read, own) => {
      taken.push(numberOf(read))
      if (taken.length % 3 === 0) {
        own.pause()
        if (taken.length === 6) own.resume()
      }
    })
    expect(receiving.push(chunk(1, 9))).toBe(true)
    expect([taken, calls]).toEqual([['1', '2', '3'], ['pause']])
    receiving.resume()
    expect(taken).toHaveLength(3)
    await turn()
    expect(taken).toEqual(['1', '2', '3', '4', '5', '6', '7', '8'])
    expect(calls).toEqual(['pause', 'resume'])
    receiving.push(chunk(9, 11))
    expect(taken.slice(8)).toEqual(['9'])
    receiving.stop()
    receiving.resume()
    await turn()
    expect(taken).toHaveLength(9)
  })

  test('a socket that goes on although it is paused is too much after 2 MiB', () => {
    const { receiving } = start((_, own) => own.pause())
    const many = chunk(1, 5_000)
    let pushes = 1
    while (receiving.push(many)) pushes++
    expect(pushes).toBe(Math.floor(2_097_152 / many.length) + 1)
  })
})

test('pages without end leave their turn to messages, and messages theirs to pages', async () => {
  const treated: string[] = []
  const wanted: Item = { kind: 'resend', from: 1, to: 9, limit: 1 }
  const inbox = createInbox({
    peer: { pause: () => undefined, resume: () => undefined, unsent: () => 0 },
    mayReceive: () => true,
    mayReport: () => true,
    isDue: () => false,
    async treat(item) {
      treated.push(item.kind)
      if (item.kind === 'resend' && treated.length < 400) inbox.push(wanted)
    },
    now: () => 0,
  })
  inbox.push(wanted)
  const message: Message = { begin: '', type: 'D', fields: [] }
  for (let i = 0; i < 130; i++) inbox.push({ kind: 'message', message })
  await turn()
  const turns = treated
    .join(' ')
    .match(/resend|(?:message ?)+/g)!
    .map((run) => run.split(' ').filter(Boolean))
  expect(turns.slice(0, 6).map(([kind, ...more]) => [kind, more.length + 1])).toEqual([
    ['resend', 1],
    ['message', 64],
    ['resend', 1],
    ['message', 64],
    ['resend', 1],
    ['message', 2],
  ])
})

test('a clock that is set is told from time that goes by, from drift and from a pause', () => {
  let [clock, went] = [1_000_000, 0]
  const jumps = createClockJumps(
    () => clock,
    () => went,
  )
  const later = (byClock: number, byTime: number): number => {
    clock += byClock
    went += byTime
    return jumps()
  }
  expect([
    later(200, 200),
    later(60_000, 60_000),
    later(210, 200),
    later(-3_599_800, 200),
    later(200, 200),
    later(3_600_200, 200),
  ]).toEqual([0, 0, 0, -3_600_000, 0, 3_600_000])
})

test('a service without FIX loads nothing of its code', async () => {
  const root = join(import.meta.dir, '../../..')
  const loaded = new Set<string>()
  const load = async (path: string): Promise<void> => {
    if (loaded.has(path)) return
    loaded.add(path)
    const text = await Bun.file(join(root, path)).text()
    const targets = text.matchAll(/^(?:import|export) (?!type\b)[^;]*?from '(\.[^']+\.ts)'|^import '(\.[^']+\.ts)'/gm)
    for (const [, from, bare] of targets) await load(normalize(join(dirname(path), (from ?? bare)!)))
  }
  await load('src/serve/serve.ts')
  expect(loaded.size).toBeGreaterThan(200)
  expect([...loaded].filter((path) => /^src\/(fix|grpc)\//.test(path))).toEqual([])
})

test('the log says what is wrong with a logon that is closed without a word', async () => {
  const { log, lines } = quietLog()
  const ended = Promise.withResolvers<string>()
  const heard: Uint8Array[] = []
  const peer: Peer = {
    address: '10.1.2.3',
    certificate: null,
    write: (bytes) => void heard.push(bytes),
    unsent: () => 0,
    close: ended.resolve,
    pause: () => undefined,
    resume: () => undefined,
  }
  const admission = { find: () => null, admit: () => Promise.reject(new Error('nobody is admitted')) }
  const conversation = createConversation({
    peer,
    admission,
    log,
    now: () => Date.UTC(2026, 0, 5, 2),
    elapsed: () => 0,
    onBug: (error) => expect(error).toBeUndefined(),
    onEnd: () => undefined,
  })
  const header: [number, string][] = [
    [34, '1'],
    [49, 'SECRET'],
    [52, '20260105-00:00:00'],
    [56, 'O'],
  ]
  const logon = encode('A', header, [
    [98, '0'],
    [108, '30'],
    [554, 'SECRET'],
  ])
  conversation.received(decode(logon)!)
  expect(await ended.promise).toBe('LOGON_INVALID')
  expect(heard).toEqual([])
  const detail = '52 (SendingTime) and the clock of this service differ by 7200 s: more than 120'
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatchObject({ level: 'warn', address: '10.1.2.3', reason: 'LOGON_INVALID', detail })
  expect(JSON.stringify(lines)).not.toContain('SECRET')
})
