// Where the fields of a record batch stand (Kafka's format 2), for whoever writes one (records.ts) or reads one (recordBatches.ts).

/** The number of the format. */
export const formatMagic = 2

/** In bytes from the beginning of the batch. The length counts what follows it, the checksum is that of what follows it. */
export const at = {
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  firstTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
  records: 61,
} as const
