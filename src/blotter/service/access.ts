// What the page may do for the person before it.

/** The scopes of the service. */
export type Scope = 'orders:read' | 'orders:write' | 'orders:admin'

/** `open`: callers need no credential. `needed`: the service refused a call without one, or the one that was given. `given`: there is one. */
export type Access = {
  readonly kind: 'open' | 'needed' | 'given'
  /** What the credential allows; null: nobody knows before it is tried (an API key does not say). */
  readonly scopes: ReadonlySet<Scope> | null
}

export const openAccess: Access = { kind: 'open', scopes: null }

/** Whether to offer what needs this scope. The service decides in the end. */
export const mayTry = ({ kind, scopes }: Access, scope: Scope): boolean =>
  kind === 'open' || (kind === 'given' && (scopes === null || scopes.has(scope)))
