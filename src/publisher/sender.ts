// What the publisher needs from a carrier of the log. kafka/logSender.ts is one such carrier; the tests have others.

/** One event of the log, ready to be sent. `eventId`: the same whenever it is sent again. `value`: the JSON of `{ event, order }`. */
export type LogMessage = { ticker: string; eventId: string; at: Date | null; value: string }

/** `acked`: how many of the messages, from the first one on, all in-sync replicas have. `error`: why not the rest; null: they have all. */
type SendOutcome = { acked: number; error: unknown }

export type LogSender = {
  /** Rejects while no broker answers. */
  partitions: () => Promise<number>
  /** The partition of a ticker on a topic with this number of partitions. */
  partitionOf: (ticker: string, partitions: number) => number
  /**
   * Sends messages to one partition, in their order, with this time on the records. It does not reject. Of the rest, the first ones may be
   * there all the same.
   */
  send: (partition: number, messages: readonly LogMessage[], time: Date) => Promise<SendOutcome>
}
