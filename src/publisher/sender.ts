// What the publisher needs from a carrier of the log. kafka/logSender.ts is one such carrier; the tests have others.

/** One event of the log, ready to be sent. `eventId`: the same whenever it is sent again. `value`: the JSON of `{ event, order }`. */
export type LogMessage = { ticker: string; eventId: string; at: Date | null; value: string }

export type LogSender = {
  /** Rejects while no broker answers. */
  partitions: () => Promise<number>
  /** The partition of a ticker on a topic with this number of partitions. */
  partitionOf: (ticker: string, partitions: number) => number
  /**
   * Sends messages to one partition, in their order, with this time on the records. Resolves when all in-sync replicas have them; if it
   * rejects, the first of them may be there.
   */
  send: (partition: number, messages: readonly LogMessage[], time: Date) => Promise<void>
}
