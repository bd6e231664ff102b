// Which records of a fetched partition count: those of committed transactions and of none. A broker names the aborted
// transactions; the library drops only what lies before an abort marker that came with the same answer, and of several aborted
// transactions of one producer only the last, so it is done here, as the Java client does it.

import type { RecordsBatch } from '@platformatic/kafka'

/** A transaction that was aborted, by its producer and its first record. */
type Aborted = { producerId: bigint; firstOffset: bigint }

/** Bits of a batch's attributes. */
const appendTime = 0x08
const transactional = 0x10
const control = 0x20

/** The type within the key of a control record, after its version: 0 ends a transaction as aborted, 1 as committed. */
const typeAt = 2
const abortType = 0

const isAbortMarker = ({ attributes, records }: RecordsBatch): boolean => {
  const key = (attributes & control) === 0 ? null : (records[0]?.key ?? null)
  return key !== null && key.length >= typeAt + 2 && key.readInt16BE(typeAt) === abortType
}

const byFirstOffset = (a: Aborted, b: Aborted): number => Number(a.firstOffset - b.firstOffset)

/** The batches, in order, that hold messages of an application and were not taken back. `aborted`: as the broker named them. */
export const committedBatches = (
  batches: readonly RecordsBatch[],
  aborted: readonly Aborted[] | null,
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

/** Milliseconds since 1970: of the broker where the topic has it so, else of the publisher. */
export const timestampOf = (batch: RecordsBatch, { timestampDelta }: RecordsBatch['records'][number]): bigint =>
  (batch.attributes & appendTime) !== 0 ? batch.maxTimestamp : batch.firstTimestamp + timestampDelta
