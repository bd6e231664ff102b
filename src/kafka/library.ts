// What is used of the Kafka library. Its values are imported here and nowhere else, so that one look shows what an upgrade may touch.

export {
  Admin,
  Consumer,
  FetchIsolationLevels,
  findErrorBy,
  kPerformWithRetry,
  ListOffsetTimestamps,
  ProduceAcks,
  Producer,
  protocolErrorsCodesById,
} from '@platformatic/kafka'
