// Chooses the records of a fetched partition that count: those of committed transactions and those outside any transaction. A broker
// names the aborted transactions. The library drops a record only if the abort marker came with the same answer, and it drops only
// the last of several aborted transactions of one producer. So the choice is made here, the way the Java client makes it.

import type { RecordsBatch } from '@platformatic/kafka'

/** An aborted transaction: its producer and the offset of its first record. */
type AbortedTransaction = { producerId: bigint; firstOffset: bigint }

/** Bits of a batch's attributes. */
const appendTime = 0x08
const transactional = 0x10
const control = 0x20

/** Where the key of a control record has its type, after its version. Type 0 aborts a transaction, type 1 commits it. */
const typeOffset = 2
const abortType = 0

const isAbortMarker = ({ attributes, records }: RecordsBatch): boolean => {
  const key = (attributes & control) === 0 ? null : (records[0]?.key ?? null)
  return key !== null && key.length >= typeOffset + 2 && key.readInt16BE(typeOffset) === abortType
}

const byFirstOffset = (a: AbortedTransaction, b: AbortedTransaction): number => Number(a.firstOffset - b.firstOffset)

/** The batches, in order, that hold an application's messages and were not aborted. `aborted`: the transactions that the broker named. */
export const committedBatches = (
  batches: readonly RecordsBatch[],
  aborted: readonly AbortedTransaction[] | null,
): readonly RecordsBatch[] => {
  const waiting = (aborted ?? []).toSorted(byFirstOffset)
  const open = new Set<bigint>()
  return batches.filter((batch) => {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta)
    while (waiting.length > 0 && waiting[0]!.firstOffset <= last) open.add(waiting.shift()!.producerId)
    if ((batch.attributes & control) !== 0) {
      if (isAbortMarker(batch)) open.delete(batch.producerId)
      return false
    }
    return (batch.attributes & transactional) === 0 || !open.has(batch.producerId)
  })
}

/** Milliseconds since 1970: the broker's time if the topic is configured so (LogAppendTime), otherwise the publisher's. */
export const timestampOf = (batch: RecordsBatch, { timestampDelta }: RecordsBatch['records'][number]): bigint =>
  (batch.attributes & appendTime) !== 0 ? batch.maxTimestamp : batch.firstTimestamp + timestampDelta
