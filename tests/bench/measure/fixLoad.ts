// Firms that place orders by FIX as fast as the answers come: so many sessions, each with so many orders under way. Latency counts from the
// message's departure to the first report of its order. A process of its own: what `fixLoad` starts is this file.

import { connect, type Socket } from 'node:net'
import { randomStream, type Random } from '../../support/random.ts'
import { drawOrder } from '../mix/fixMix.ts'
import { runCommand } from './command.ts'
import { createHistogram, type Histogram, type SparseCounts } from './histogram.ts'

export type FixLoadPlan = {
  port: number
  sessions: readonly { sender: string; target: string; password: string }[]
  /** Orders of a session that wait for their report. */
  underWay: number
  seconds: number
  /** The same load before: its orders count in the recount. */
  warmupSeconds: number
  /** Gets the ids of the accepted orders, one a line. */
  ackedFile: string
}

export type FixLoadResult = {
  /** In the measured time. */
  accepted: number
  /** Answers that are no acceptance, warm-up included. */
  refused: number
  unanswered: number
  /** In microseconds. */
  latencies: SparseCounts
  cpuSeconds: number
}

const soh = '\u0001'
const drainLimitMs = 20_000
const messageStart = '8=FIX.4.4\u00019='

const time = (): string => new Date().toISOString().replaceAll('-', '').replace('T', '-').replace('Z', '')

const framed = (body: string): string => {
  const text = `${messageStart}${body.length}${soh}${body}`
  let sum = 0
  for (let i = 0; i < text.length; i++) sum += text.charCodeAt(i)
  return `${text}10=${String(sum % 256).padStart(3, '0')}${soh}`
}

/** A message ends with its sum, of three digits. */
const isWhole = (text: string): boolean => text.endsWith(soh) && text.slice(-8).startsWith(`${soh}10=`)

type Totals = {
  accepted: number
  refused: number
  latencies: Histogram
  acked: Bun.FileSink
  isMeasured: () => boolean
  isOver: () => boolean
}

type Session = { open: () => number; loggedOn: Promise<void>; go: () => void; close: () => void }

/** The value of a tag that is not the first field. */
const fieldOf = (message: string, tag: string): string => {
  const at = message.indexOf(`${soh}${tag}=`)
  if (at === -1) return ''
  const from = at + tag.length + 2
  return message.slice(from, message.indexOf(soh, from))
}

const openSession = ({ port, underWay, sessions }: FixLoadPlan, at: number, totals: Totals, rng: Random): Session => {
  const { sender, target, password } = sessions[at]!
  const prefix = `${at}-${crypto.randomUUID().slice(0, 8)}`
  const sentAt = new Map<string, number>()
  const loggedOn = Promise.withResolvers<void>()
  let number = 0
  let orders = 0
  let rest = ''
  let batch = ''
  const add = (type: string, body: string): void => {
    const now = time()
    batch += framed(`35=${type}${soh}34=${++number}${soh}49=${sender}${soh}52=${now}${soh}56=${target}${soh}${body}`)
  }
  const flush = (socket: Socket): void => {
    if (batch !== '') socket.write(batch, 'latin1')
    batch = ''
  }
  const fill = (): void => {
    while (sentAt.size < underWay && !totals.isOver()) {
      const key = `${prefix}-${++orders}`
      sentAt.set(key, performance.now())
      add('D', `11=${key}${soh}60=${time()}${soh}${drawOrder(rng)}`)
    }
  }
  const take = (message: string): void => {
    const type = fieldOf(message, '35')
    if (type === 'A') return loggedOn.resolve()
    if (type === '1') return add('0', `112=${fieldOf(message, '112')}${soh}`)
    const key = fieldOf(message, '11')
    const since = sentAt.get(key)
    // Later reports of an order, and messages of the session.
    if (since === undefined) return
    sentAt.delete(key)
    if (fieldOf(message, '150') !== '0') {
      totals.refused++
      return
    }
    void totals.acked.write(`${fieldOf(message, '37')}\n`)
    if (!totals.isMeasured()) return
    totals.accepted++
    totals.latencies.record((performance.now() - since) * 1000)
  }
  const socket = connect(port, '127.0.0.1', () => {
    socket.setNoDelay(true)
    add('A', `98=0${soh}108=60${soh}141=Y${soh}554=${password}${soh}`)
    flush(socket)
  })
  socket.on('data', (bytes) => {
    const text = rest + bytes.toString('latin1')
    let from = 0
    for (let next = text.indexOf(messageStart, from + 1); ; next = text.indexOf(messageStart, from + 1)) {
      const end = next === -1 ? text.length : next
      if (next === -1 && !isWhole(text.slice(from))) break
      take(text.slice(from, end))
      from = end
      if (from >= text.length) break
    }
    rest = text.slice(from)
    if (orders > 0) fill()
    flush(socket)
  })
  socket.on('close', () => loggedOn.reject(new Error(`the session of ${sender} ended`)))
  socket.on('error', loggedOn.reject)
  loggedOn.promise.catch(() => undefined)
  return {
    open: () => sentAt.size,
    loggedOn: loggedOn.promise,
    go() {
      fill()
      flush(socket)
    },
    close: () => socket.destroy(),
  }
}

const runLoad = async (plan: FixLoadPlan): Promise<void> => {
  const { seconds, warmupSeconds, ackedFile } = plan
  let beganAt = Infinity
  const since = (): number => performance.now() - beganAt
  const totals: Totals = {
    accepted: 0,
    refused: 0,
    latencies: createHistogram(),
    acked: Bun.file(ackedFile).writer(),
    isMeasured: () => since() >= warmupSeconds * 1000 && since() < (warmupSeconds + seconds) * 1000,
    isOver: () => since() >= (warmupSeconds + seconds) * 1000,
  }
  const sessions = plan.sessions.map((_, at) => openSession(plan, at, totals, randomStream('fix load', at)))
  await Promise.all(sessions.map(({ loggedOn }) => loggedOn))
  beganAt = performance.now()
  for (const session of sessions) session.go()
  await Bun.sleep((warmupSeconds + seconds) * 1000)
  const open = (): number => sessions.reduce((sum, session) => sum + session.open(), 0)
  const limit = performance.now() + drainLimitMs
  while (open() > 0 && performance.now() < limit) await Bun.sleep(10)
  const result: Omit<FixLoadResult, 'cpuSeconds'> = {
    accepted: totals.accepted,
    refused: totals.refused,
    unanswered: open(),
    latencies: totals.latencies.sparse(),
  }
  for (const session of sessions) session.close()
  await totals.acked.end()
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
}

export const fixLoad = async (plan: FixLoadPlan): Promise<FixLoadResult> => {
  const { output, cpuSeconds } = await runCommand([process.execPath, import.meta.path, JSON.stringify(plan)])
  return { ...(JSON.parse(output) as FixLoadResult), cpuSeconds }
}

if (import.meta.main) await runLoad(JSON.parse(process.argv[2]!) as FixLoadPlan)
