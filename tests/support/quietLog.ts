// A log that keeps its lines instead of printing them.

import { createLog, type Log } from '../../src/telemetry/log.ts'
import type { LogLine } from './service.ts'

export const quietLog = (): { log: Log; lines: LogLine[] } => {
  const lines: LogLine[] = []
  return { log: createLog('debug', (line) => lines.push(JSON.parse(line) as LogLine)), lines }
}
