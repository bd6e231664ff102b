// The parts of the Kafka library that are used. Its values are imported here and nowhere else, so one look shows what an upgrade may touch.

// Before the library, which compiles its validators while it loads.
import './validators.ts'

export {
  Admin,
  compressionsAlgorithms,
  ConnectionPool,
  Consumer,
  crc32c,
  FetchIsolationLevels,
  findErrorBy,
  ListOffsetTimestamps,
  NetworkError,
  ProtocolError,
  protocolErrorsCodesById,
  UnsupportedApiError,
  Writer,
} from '@platformatic/kafka'
export type { ClusterMetadata, Connection, Reader } from '@platformatic/kafka'
