// What is used of the Kafka library. Its values are imported here and nowhere else: the order of these imports matters.

import { endLaziness } from './lazyAjv.ts'
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

endLaziness()
