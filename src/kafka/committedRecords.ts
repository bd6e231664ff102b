// Chooses the records of a fetched partition that count: those of committed transactions and those outside any transaction. A broker
// names the aborted transactions, and a marker ends each of them on the partition. The choice is made the way the Java client makes it.

import type { AbortedTransaction } from './fetchRequest.ts'
import type { RecordBatch } from './recordBatches.ts'

/** Bits of a batch's attributes. */
const appendTime = 0x08
const transactional = 0x10
const control = 0x20

/** Where the key of a control record has its type, after its version. Type 0 aborts a transaction, type 1 commits it. */
const typeOffset = 2
const abortType = 0

type Head = Pick<RecordBatch, 'firstOffset' | 'last' | 'attributes' | 'producerId'>

export const isControl = ({ attributes }: Pick<RecordBatch, 'attributes'>): boolean => (attributes & control) !== 0

const isAbort = (key: Buffer | null): boolean =>
  key !== null && key.length >= typeOffset + 2 && key.readInt16BE(typeOffset) === abortType

const byFirstOffset = (a: AbortedTransaction, b: AbortedTransaction): number => Number(a.firstOffset - b.firstOffset)

/**
 * Says of each batch of an answer, which it has to be asked in their order, whether it holds messages that count. `markerKey` reads the key
 * of a control record.
 */
export const createCommitted = (aborted: readonly AbortedTransaction[]) => {
  const waiting = aborted.toSorted(byFirstOffset)
  const open = new Set<bigint>()
  return (batch: Head, markerKey: () => Buffer | null): boolean => {
    while (waiting.length > 0 && waiting[0]!.firstOffset <= batch.last) open.add(waiting.shift()!.producerId)
    if (isControl(batch)) {
      if (isAbort(markerKey())) open.delete(batch.producerId)
      return false
    }
    return (batch.attributes & transactional) === 0 || !open.has(batch.producerId)
  }
}

/** Milliseconds since 1970: the broker's time if the topic is configured so (LogAppendTime), otherwise the publisher's. */
export const timestampOf = (
  { attributes, maxTimestamp, firstTimestamp }: Pick<RecordBatch, 'attributes' | 'maxTimestamp' | 'firstTimestamp'>,
  timestampDelta: bigint,
): bigint => ((attributes & appendTime) !== 0 ? maxTimestamp : BigInt.asIntN(64, firstTimestamp + timestampDelta))
