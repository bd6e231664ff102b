// Asks for a token or a key. Beside it, once there is one: whose it is, what it allows, and how to put it away.

import { useId, useState } from 'preact/hooks'
import { ProblemNote } from '../ui/problem.tsx'
import type { Session } from './useSession.ts'
import './signIn.css'

export const SignIn = ({ session: { isAsking, problem, signIn } }: { session: Session }) => {
  const [credential, setCredential] = useState('')
  const field = useId()
  const hint = useId()
  const submit = (event: Event): void => {
    event.preventDefault()
    const text = credential.trim()
    if (text !== '') signIn(text)
  }
  return (
    <form class="sign-in" onSubmit={submit}>
      <h2>Sign in</h2>
      <p>The service shows each caller what is theirs.</p>
      <label htmlFor={field}>Token or API key</label>
      <input
        id={field}
        type="password"
        autocomplete="off"
        spellcheck={false}
        required
        autofocus
        aria-describedby={hint}
        value={credential}
        onInput={({ currentTarget }) => setCredential(currentTarget.value)}
      />
      <p id={hint} class="sign-in-hint">
        It stays in the memory of this page, and is gone when the page is closed or loaded anew.
      </p>
      {problem !== null && <ProblemNote problem={problem} />}
      <button class="primary" disabled={isAsking}>
        {isAsking ? 'Asking …' : 'Sign in'}
      </button>
    </form>
  )
}

/** `orders:read` → `read`. */
const shortName = (scope: string): string => scope.replace('orders:', '')

export const SignedIn = ({ session: { access, name, signOut } }: { session: Session }) => {
  if (access.kind !== 'given' || name === null) return null
  const scopes = [...(access.scopes ?? [])].map(shortName)
  return (
    <div class="signed-in">
      <span class="signed-in-name" title={name}>
        {name}
      </span>
      <span>{scopes.length === 0 ? 'may do nothing here' : `may ${scopes.join(', ')}`}</span>
      <button type="button" onClick={signOut}>
        Sign out
      </button>
    </div>
  )
}
