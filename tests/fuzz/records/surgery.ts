// Batches that no broker takes but a disk may hold: of a future version, of another maker, or damaged. The broker gets a valid
// batch of the same length, and while it does not run, the log file gets the other batch in its place.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { encodeBatch, type BatchPlan } from './batch.ts'
import type { Entry, Journal } from './journal.ts'
import type { Pen } from './pen.ts'
import type { Sender } from './sender.ts'

/** The fate of the records: read as usual, passed over, or unreadable. */
type Damage = { name: string; lies: (pen: Pen) => Lie; state: Entry['state'] }
type Lie = { disguise: BatchPlan; truth: BatchPlan }

const controlBit = 1 << 5
/** After the offset and the length of a batch; what lies between there and the magic is the broker's own. */
const lengthAt = 8
const restAt = 12
const magicAt = 16

const twoRecords = (pen: Pen): BatchPlan => ({ records: [pen.record(), pen.record({ value: pen.bad() })] })

const inPlace =
  (truth: Partial<BatchPlan>) =>
  (pen: Pen): Lie => {
    const disguise = twoRecords(pen)
    return { disguise, truth: { ...disguise, ...truth } }
  }

const namelessHeader = (pen: Pen): Lie => {
  const record = pen.record()
  const plan = (name: Buffer | null): BatchPlan => ({ records: [{ ...record, headers: [[name, Buffer.from('v')]] }] })
  return { disguise: plan(Buffer.alloc(0)), truth: plan(null) }
}

const damages: readonly Damage[] = [
  { name: 'codec-unknown', lies: inPlace({ lies: { codecBits: 5 } }), state: 'unreadable' },
  { name: 'codec-wrong', lies: inPlace({ lies: { codecBits: 2 } }), state: 'unreadable' },
  { name: 'records-missing', lies: inPlace({ lies: { count: 3 } }), state: 'unreadable' },
  { name: 'control-unknown', lies: inPlace({ attributes: controlBit }), state: 'hidden' },
  { name: 'header-name-null', lies: namelessHeader, state: 'visible' },
]

export const damageNames: readonly string[] = damages.map(({ name }) => name)

const replaceIn = async (file: string, offset: bigint, truth: Buffer): Promise<boolean> => {
  const bytes = Buffer.from(await Bun.file(file).arrayBuffer())
  for (let at = 0; at + restAt < bytes.length; at += restAt + bytes.readInt32BE(at + lengthAt)) {
    if (bytes.readBigInt64BE(at) !== offset) continue
    if (bytes.readInt32BE(at + lengthAt) !== truth.readInt32BE(lengthAt))
      throw new Error('a disguise of another length')
    truth.copy(bytes, at + magicAt, magicAt)
    await Bun.write(file, bytes)
    return true
  }
  return false
}

const replaceBatch = async (logDir: string, entry: Entry, truth: Buffer): Promise<void> => {
  const files = readdirSync(logDir).filter((name) => name.endsWith('.log'))
  for (const name of files) if (await replaceIn(join(logDir, name), entry.offset, truth)) return
  throw new Error(`no file in ${logDir} holds the record ${entry.offset}`)
}

export type SurgeryOptions = {
  sender: Sender
  journal: Journal
  /** One batch for each kind of damage, on partition after partition. */
  pens: readonly Pen[]
  only: readonly string[]
  topic: string
  logsDir: string
  stopBroker: () => Promise<void>
  startBroker: () => Promise<void>
}

/** No consumer may read meanwhile. Good trades stand before and behind each damaged batch. */
export const damageOnDisk = async (options: SurgeryOptions): Promise<void> => {
  const { sender, journal, pens, only, topic, logsDir, stopBroker, startBroker } = options
  const wounds: { entry: Entry; truth: Buffer; partition: number }[] = []
  for (const [i, { name, lies, state }] of damages.filter(({ name }) => only.includes(name)).entries()) {
    const pen = pens[i % pens.length]!
    const { disguise, truth } = lies(pen)
    await sender.take('good', pen.send([pen.record()]))
    const before = journal.entries.length
    await sender.take(name, { do: 'send', partition: pen.partition, batch: disguise })
    const damaged = journal.entries.slice(before)
    for (const entry of damaged) entry.state = state
    wounds.push({ entry: damaged[0]!, truth: encodeBatch(truth), partition: pen.partition })
    await sender.take('good', pen.send([pen.record()]))
  }
  await stopBroker()
  for (const { entry, truth, partition } of wounds)
    await replaceBatch(join(logsDir, `${topic}-${partition}`), entry, truth)
  await startBroker()
}
