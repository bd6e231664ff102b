// The part of recorder.ts about the rules of business: every answer of their routes.

import type { Call } from '../http/harness.ts'

type Calling = (method: string, path: string, call?: Call) => Promise<{ text: string }>

const who = { by: 'ops@desk', note: 'recorded' }

/** Every route of rules once, as it is asked in good order. */
export const callRules = async (call: Calling): Promise<void> => {
  await call('PUT', '/instruments?ticker=ibm', {
    body: { ...who, tickSize: 0.01, quantityMin: '1', referencePrice: null },
  })
  await call('GET', '/instruments?limit=1')
  await call('GET', '/trading')
  await call('PUT', '/trading?ticker=ibm', { body: { ...who, state: 'HALTED', cancelOpen: true } })
  await call('GET', '/rules/changes?limit=1')
  await call('DELETE', '/instruments?ticker=IBM&by=ops&note=merged')
}

/** And whatever else may come back from a service that works. */
export const recordRules = async (call: Calling): Promise<void> => {
  await callRules(call)
  await call('PUT', '/trading?ticker=IBM', { body: { ...who, state: 'ACTIVE' } })
  await call('PUT', '/trading', { body: { ...who, limits: { lotSize: 1 } } })
  await call('PUT', '/trading', { body: { ...who, limits: {} } })
  for (const ticker of ['AAPL', 'MSFT']) await call('PUT', `/instruments?ticker=${ticker}`, { body: who })
  for (const path of ['/instruments', '/rules/changes']) {
    const { nextCursor } = JSON.parse((await call('GET', `${path}?limit=1`)).text) as { nextCursor: string }
    for (const query of ['', `?limit=1&cursor=${nextCursor}`, '?limit=0']) await call('GET', `${path}${query}`)
  }
  await call('GET', '/instruments?ticker=msft')
  await call('GET', '/trading?ticker=msft')
  await call('GET', '/trading?ticker=A&ticker=B')
  await call('DELETE', '/instruments?ticker=AAPL&by=ops&note=merged')
  await call('DELETE', '/instruments?ticker=AAPL&by=ops&note=merged')
  await call('DELETE', '/instruments?ticker=AAPL&note=merged')
  await call('GET', '/instruments?ticker=AAPL')
  await call('PUT', '/instruments?ticker=AAPL', { body: { ...who, tickSize: 0 } })
  await call('PUT', '/trading', { body: { ...who, state: 'ACTIVE', cancelOpen: true } })
  for (const path of ['/instruments?ticker=AAPL', '/trading']) {
    await call('PUT', path, { body: ' '.repeat(70_000) })
    await call('PUT', path, { body: 'hello', headers: { 'content-type': 'text/plain' } })
  }
}

export const rulePaths = ['/instruments', '/trading', '/rules/changes']

/** The use cases of rules, of a service that answers all writes alike, and all reads. */
export const ruleCases = <W, R>(write: W, read: R) => ({
  instruments: read,
  trading: read,
  tickerTrading: read,
  rulesChanges: read,
  changeTrading: write,
  putInstrument: write,
  deleteInstrument: write,
})
