// What `up` prints when everything runs: where things are, and lines to try that work as they stand.

import type { DemoSession } from './fixSession.ts'
import type { StackState } from './state.ts'

type Welcome = {
  serverPort: number
  state: StackState
  logs: string
  /** The session of FIX that `up` made; null: it made none. */
  fix: (DemoSession & { port: number }) | null
}

/** With npx alone there is no `bun` on the path of the terminal that these lines are pasted into. */
const bun = process.execPath.includes('_npx') ? `npx -y bun@${Bun.version}` : 'bun'

const body = (side: 'BUY' | 'SELL', userId: string): string => {
  const order = { userId, ticker: 'AAPL', side, type: 'LIMIT', timeInForce: 'GTC', quantity: 100, price: 150.5 }
  return JSON.stringify(order)
}

/** Two orders that cross, the trade that they make (this waits for it), and what became of them. */
export const tryLines = (url: string, withKafka: boolean): string[] => {
  const place = `curl -s -w '\\n' ${url}/orders -H 'content-type: application/json' -d`
  return [
    `${place} '${body('SELL', 'a11ce000-0000-4000-8000-000000000001')}'`,
    `${place} '${body('BUY', 'b0b00000-0000-4000-8000-000000000002')}'`,
    withKafka
      ? `${bun} run tail trade.executed.v1 --from-beginning --count 1`
      : `${bun} run psql -c 'select id, status, quantity, filled_quantity from orders order by id desc limit 2'`,
    `curl -s -w '\\n' '${url}/orders?ticker=AAPL&limit=2'`,
  ]
}

const fixLine = ({ fix }: Welcome): string =>
  fix === null
    ? ''
    : `\nFIX       localhost:${fix.port}   SenderCompID ${fix.sender}   TargetCompID ${fix.target}   Password ${fix.password}`

export const welcome = (parts: Welcome): string => {
  const { serverPort, state, logs } = parts
  const url = `http://localhost:${serverPort}`
  return `
blotter   ${url}/
service   ${url}/orders   health ${url}/actuator/health   metrics ${url}/metrics
Postgres  ${state.databaseUrl ?? '-'}
Kafka     ${state.kafka ?? 'not running: orders are accepted until the outbox bound, health says DEGRADED'}${fixLine(parts)}
logs      ${logs}

Try, in another terminal:

${tryLines(url, state.kafka !== null).join('\n')}

Ctrl-C stops everything.`
}
