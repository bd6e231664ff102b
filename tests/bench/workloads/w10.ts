// W10: the cost of authentication and of exporting traces.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startCollector } from '../../support/collector.ts'
import { audience, createKey, issuerName, jwksOf, tokenOf } from '../../support/issuer.ts'
import type { Bench, Measured, Workload } from '../bench.ts'
import { measurePosts } from './closedLoop.ts'

const connections = 64
const tokenSeconds = 3_600

/** An administrator's, because the orders are those of a thousand users. */
const withTokens = async (bench: Bench): Promise<Measured> => {
  const key = await createKey('bench')
  const file = join(bench.world.dir, 'jwks.json')
  writeFileSync(file, jwksOf(key))
  const token = await tokenOf(key, 'bench', 'orders:admin', { expiresIn: tokenSeconds })
  const env = { AUTH_JWKS_FILE: file, AUTH_JWT_ISSUER: issuerName, AUTH_JWT_AUDIENCE: audience }
  return measurePosts(bench, { connections, token, trial: { env } })
}

/** Traces at the default sampling share. */
const withTraces = async (bench: Bench): Promise<Measured> => {
  await using collector = startCollector()
  const measured = await measurePosts(bench, {
    connections,
    trial: { env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } },
  })
  return { ...measured, figures: { ...measured.figures, spans: collector.spans.length } }
}

export const w10 = (bench: Bench): Workload => ({
  name: 'W10',
  title: 'Tokens and traces',
  rounds: bench.scale.rounds,
  cells: [
    { name: 'open', run: () => measurePosts(bench, { connections }) },
    { name: 'with tokens', run: () => withTokens(bench) },
    { name: 'with traces', run: () => withTraces(bench) },
  ],
})
