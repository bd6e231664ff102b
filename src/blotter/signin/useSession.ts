// Who looks at the page: nobody in particular, somebody whom the service asks for a credential, or the holder of one. The credential is in
// the memory of this page alone: a reload forgets it.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { openAccess, type Access } from '../service/access.ts'
import type { Problem, Service } from '../service/service.ts'
import { discoverAccess, nameOf } from './discover.ts'

export type Session = {
  readonly access: Access
  /** Of the credential; null without one. */
  readonly name: string | null
  /** Whether the service is being asked what the credential may do. */
  readonly isAsking: boolean
  /** Why the credential is none, or why the service could not say. */
  readonly problem: Problem | null
  readonly signIn: (credential: string) => void
  readonly signOut: () => void
}

type State = Pick<Session, 'access' | 'name' | 'isAsking' | 'problem'>

const nobody: State = { access: openAccess, name: null, isAsking: false, problem: null }

export const useSession = (service: Service): Session => {
  const [state, setState] = useState(nobody)
  const round = useRef(0)
  const given = useRef<string | null>(null)

  const actions = useMemo(() => {
    const ask = async (): Promise<void> => {
      const own = ++round.current
      const credential = given.current
      setState((before) => ({ ...before, isAsking: credential !== null, problem: null }))
      const { access, problem } = await discoverAccess(service, credential !== null)
      // Somebody signed in or out meanwhile.
      if (own !== round.current) return
      setState({ access, problem, isAsking: false, name: credential === null ? null : nameOf(credential) })
    }
    const use = (credential: string | null): void => {
      given.current = credential
      service.setCredential(credential)
      void ask()
    }
    return { ask, signIn: (credential: string) => use(credential), signOut: () => use(null) }
  }, [service])

  useEffect(() => {
    void actions.ask()
    return service.onCredential((event) => {
      // An expired token, a revoked key; or the first call of somebody who has none.
      if (event === 'refused') setState((before) => ({ ...before, access: { kind: 'needed', scopes: null } }))
    })
  }, [service, actions])

  return { ...state, ...actions }
}
