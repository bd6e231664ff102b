// The sessions of FIX of a run: each of a user of its own.

import { sessionRow, type SessionRow } from '../../fix/client/sessions.ts'

const names = ['desk-a', 'desk-b', 'desk-c'] as const

export const fixSessions: readonly { id: string; userId: string }[] = names.map((id, at) => ({
  id,
  userId: `f1f1f1f1-0000-4000-8000-00000000000${at + 1}`,
}))

export const sessionRows: readonly SessionRow[] = fixSessions.map(({ id, userId }) => sessionRow(id, { user: userId }))
