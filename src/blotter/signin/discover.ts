// What a credential may do. Nothing says it of an API key, so the service is asked: one harmless request of each scope, of which only the
// refusal counts.

import type { Access, Scope } from '../service/access.ts'
import type { Answer, Problem, Service } from '../service/service.ts'

/** `problem`: why nothing could be found out, or why the credential is none. */
export type Discovery = { readonly access: Access; readonly problem: Problem | null }

/** An order without a member is refused as such to whoever may place orders; nothing is stored by it. */
const probes: readonly (readonly [Scope, method: string, path: string, body?: object])[] = [
  ['orders:read', 'GET', '/orders?limit=1'],
  ['orders:write', 'POST', '/orders/validate', {}],
  ['orders:admin', 'GET', '/exceptions?limit=1'],
]

const isAllowed = ({ status }: Answer): boolean => status < 401

/** Whether it says anything about the credential: not where nobody answered, or too much was asked. */
const isTelling = ({ status }: Answer): boolean => (status >= 200 && status < 401) || status === 403

/** Asks with the credential that the service has. `given`: whether it has one. */
export const discoverAccess = async (service: Service, given: boolean): Promise<Discovery> => {
  const first = await service.call('GET', '/orders?limit=1')
  if (first.status === 401) return { access: { kind: 'needed', scopes: null }, problem: given ? first.problem! : null }
  if (!given) return { access: { kind: 'open', scopes: null }, problem: null }
  const answers = await Promise.all(
    probes.map(async ([scope, method, path, body]) => ({
      scope,
      answer: await service.call(method, path, body === undefined ? {} : { body }),
    })),
  )
  const silent = answers.find(({ answer }) => !isTelling(answer))
  if (silent !== undefined) return { access: { kind: 'needed', scopes: null }, problem: silent.answer.problem ?? null }
  const scopes = new Set(answers.filter(({ answer }) => isAllowed(answer)).map(({ scope }) => scope))
  return { access: { kind: 'given', scopes }, problem: null }
}

const claimsOf = (token: string): Record<string, unknown> => {
  try {
    const [, payload = ''] = token.split('.')
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (char) =>
      char.codePointAt(0)!,
    )
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** How the page calls a credential: never by its secret. */
export const nameOf = (credential: string): string => {
  const key = /^ok_([^_]+)_/.exec(credential)?.[1]
  if (key !== undefined) return `key ${key}`
  const subject = claimsOf(credential)['sub']
  return typeof subject === 'string' ? subject : 'a token'
}
