// The parts of the Kafka library that are used. Its values are imported here and nowhere else, so one look shows what an upgrade may touch.

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
