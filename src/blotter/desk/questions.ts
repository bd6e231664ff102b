// What the desk asks before it changes something, and what it then sends.

import type { Service } from '../service/service.ts'
import type { Question } from './statement.tsx'

/** Halts or resumes a ticker; null: all trading. */
export const switchQuestion = (service: Service, ticker: string | null, to: 'HALTED' | 'ACTIVE'): Question => {
  const what = ticker ?? 'all trading'
  const isHalt = to === 'HALTED'
  return {
    title: `${isHalt ? 'Halt' : 'Resume'} ${what}?`,
    text: isHalt
      ? `From the answer on no replica accepts an order${ticker === null ? '' : ` of ${ticker}`}, and no stop triggers. Cancels pass.`
      : `Orders${ticker === null ? '' : ` of ${ticker}`} are accepted again.`,
    action: `${isHalt ? 'Halt' : 'Resume'} ${what}`,
    isDanger: isHalt,
    members: { by: 'by', note: 'note' },
    choice: isHalt ? 'Cancel what is open, too' : null,
    send: ({ by, note }, chosen) =>
      service.call('PUT', ticker === null ? '/trading' : `/trading?ticker=${encodeURIComponent(ticker)}`, {
        body: { state: to, by, note, ...(chosen && { cancelOpen: true }) },
      }),
  }
}

/** `list`: the path of the exception's list. */
export const resolveQuestion = (
  service: Service,
  list: string,
  exception: { id: string; disposition: string },
): Question => ({
  title: `Resolve this ${exception.disposition}?`,
  text: 'Say what was done about it. That is kept for good, and moves no order.',
  action: 'Resolve',
  members: { by: 'resolvedBy', note: 'note' },
  choice: null,
  send: ({ by, note }) => service.call('POST', `${list}/${exception.id}/resolve`, { body: { resolvedBy: by, note } }),
})
