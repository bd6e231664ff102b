// A connection to one broker that sends batches as raw bytes, and the requests that transactions need. It negotiates no
// versions: every broker since Kafka 2.8 answers these requests.

import { connect, type Socket } from 'node:net'
import { compactArray, compactBytes, compactString, int16, int32, int64, int8, noTags, string } from './bytes.ts'
import { createReader, type Reader } from './reader.ts'

export type Producer = { id: bigint; epoch: number }

/** `code` is one of Kafka's list of errors. */
type Answer<T> = { ok: true; value: T } | { ok: false; code: number; message: string | null }

export type Broker = {
  /** The batch's place in the log, or why it was not taken. Throws when the connection is lost: then nobody knows. */
  produce: (to: { topic: string; partition: number; transaction?: string }, batch: Buffer) => Promise<Answer<bigint>>
  /** A transaction that nobody ends is ended by the broker after `timeoutMs`. */
  initProducer: (transaction: string, timeoutMs: number) => Promise<Answer<Producer>>
  addPartitions: (transaction: string, producer: Producer, to: Partitions) => Promise<Answer<null>>
  endTransaction: (transaction: string, producer: Producer, committed: boolean) => Promise<Answer<null>>
  /** The next offset that each partition will give, markers of transactions included. */
  ends: (topic: string, partitions: number) => Promise<bigint[]>
  close: () => void
}
type Partitions = { topic: string; partitions: readonly number[] }
type Request = { api: number; version: number; flexible: boolean; body: readonly Buffer[] }

const answerLimitMs = 15_000
const produceLimitMs = 10_000
const latest = -1n
/** The kinds of coordinators. */
const ofTransactions = 1

const openSocket = (bootstrap: string): Promise<Socket> => {
  const [host = '', port = ''] = bootstrap.split(':')
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const socket = connect({ host, port: Number(port) }, () => resolve(socket))
  socket.once('error', reject)
  return promise
}

/** One request at a time; each answer is a frame behind its length. */
const createCalls = (socket: Socket) => {
  let received: Buffer[] = []
  let length = 0
  let waiting: PromiseWithResolvers<Buffer> | null = null
  let correlation = 0
  const take = (): void => {
    if (waiting === null || length < 4) return
    const bytes = Buffer.concat(received)
    received = [bytes]
    const end = 4 + bytes.readInt32BE(0)
    if (length < end) return
    received = [bytes.subarray(end)]
    length -= end
    waiting.resolve(bytes.subarray(4, end))
  }
  socket.on('data', (chunk: Buffer) => {
    received.push(chunk)
    length += chunk.length
    take()
  })
  socket.on('error', () => undefined)
  socket.on('close', () => waiting?.reject(new Error('the broker closed the connection')))

  return async ({ api, version, flexible, body }: Request): Promise<Reader> => {
    const head = [int16(api), int16(version), int32(++correlation), string('fuzz'), ...(flexible ? [noTags] : [])]
    const request = Buffer.concat([...head, ...body])
    waiting = Promise.withResolvers<Buffer>()
    const timer = setTimeout(() => socket.destroy(), answerLimitMs)
    try {
      if (socket.destroyed) throw new Error('the connection is closed')
      socket.write(Buffer.concat([int32(request.length), request]))
      const reader = createReader(await waiting.promise)
      reader.int32()
      if (flexible) reader.tags()
      return reader
    } finally {
      clearTimeout(timer)
      waiting = null
    }
  }
}

const answerOf = <T>(code: number, value: T, message: string | null = null): Answer<T> =>
  code === 0 ? { ok: true, value } : { ok: false, code, message }

const readProduced = (reader: Reader): Answer<bigint> => {
  reader.compactArray()
  reader.compactString()
  reader.compactArray()
  reader.int32()
  const code = reader.int16()
  const offset = reader.int64()
  reader.int64()
  reader.int64()
  for (let left = reader.compactArray(); left > 0; left--) {
    reader.int32()
    reader.compactString()
    reader.tags()
  }
  return answerOf(code, offset, reader.compactString())
}

export const openBroker = async (bootstrap: string): Promise<Broker> => {
  const socket = await openSocket(bootstrap)
  const call = createCalls(socket)
  return {
    async produce({ topic, partition, transaction }, batch) {
      const data = Buffer.concat([int32(partition), compactBytes(batch), noTags])
      const topics = compactArray([Buffer.concat([compactString(topic), compactArray([data]), noTags])])
      const body = [compactString(transaction ?? null), int16(-1), int32(produceLimitMs), topics, noTags]
      return readProduced(await call({ api: 0, version: 9, flexible: true, body }))
    },
    async initProducer(transaction, timeoutMs) {
      // The first request for a coordinator of transactions makes the broker create their topic.
      await call({ api: 10, version: 1, flexible: false, body: [string(transaction), int8(ofTransactions)] })
      const body = [compactString(transaction), int32(timeoutMs), int64(-1n), int16(-1), noTags]
      const reader = await call({ api: 22, version: 4, flexible: true, body })
      reader.int32()
      return answerOf(reader.int16(), { id: reader.int64(), epoch: reader.int16() })
    },
    async addPartitions(transaction, { id, epoch }, { topic, partitions }) {
      const numbers = compactArray(partitions.map((partition) => int32(partition)))
      const topics = compactArray([Buffer.concat([compactString(topic), numbers, noTags])])
      const body = [compactString(transaction), int64(id), int16(epoch), topics, noTags]
      const reader = await call({ api: 24, version: 3, flexible: true, body })
      reader.int32()
      reader.compactArray()
      reader.compactString()
      let failure = 0
      for (let left = reader.compactArray(); left > 0; left--) {
        reader.int32()
        failure ||= reader.int16()
        reader.tags()
      }
      return answerOf(failure, null)
    },
    async endTransaction(transaction, { id, epoch }, committed) {
      const body = [compactString(transaction), int64(id), int16(epoch), int8(committed ? 1 : 0), noTags]
      const reader = await call({ api: 26, version: 3, flexible: true, body })
      reader.int32()
      return answerOf(reader.int16(), null)
    },
    async ends(topic, partitions) {
      const query = Array.from({ length: partitions }, (_, partition) => [int32(partition), int64(latest)]).flat()
      const body = [int32(-1), int8(0), int32(1), string(topic), int32(partitions), ...query]
      const reader = await call({ api: 2, version: 2, flexible: false, body })
      reader.int32()
      reader.int32()
      reader.string()
      const ends: bigint[] = []
      for (let left = reader.int32(); left > 0; left--) {
        const partition = reader.int32()
        const code = reader.int16()
        reader.int64()
        ends[partition] = reader.int64()
        if (code !== 0) throw new Error(`the end of ${topic}-${partition} is not known: error ${code}`)
      }
      return ends
    },
    close: () => void socket.destroy(),
  }
}
