// How the connection to the service is: a word in the head of the page, and a line below it while something is to be said.

import { useEffect, useState } from 'preact/hooks'
import type { Feed } from '../feed/feed.ts'
import type { FeedState } from '../feed/protocol.ts'
import './connectionState.css'
import { useFeed } from './useFeed.ts'

const words = {
  connecting: 'Connecting',
  snapshot: 'Reading open orders',
  live: 'Live',
  waiting: 'Disconnected',
  refused: 'Not allowed',
} as const satisfies Record<FeedState['kind'], string>

const noticeMs = 8_000

const useSecondsUntil = (untilMs: number): number => {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500)
    return () => clearInterval(timer)
  }, [])
  return Math.max(0, Math.ceil((untilMs - now) / 1_000))
}

const Waiting = ({ state, feed }: { state: Extract<FeedState, { kind: 'waiting' }>; feed: Feed }) => {
  const seconds = useSecondsUntil(state.untilMs)
  return (
    <div class="connection-line is-bad">
      <p role="status">
        <strong>Disconnected:</strong> {state.reason}. What you see may be old.
      </p>
      <span aria-hidden="true">{seconds === 0 ? 'Connecting' : `Next try in ${seconds} s`}</span>
      <button type="button" onClick={() => feed.retry()}>
        Try now
      </button>
    </div>
  )
}

const Notice = ({ feed, kind, text }: { feed: Feed; kind: 'resumed' | 'reset'; text: string }) => {
  useEffect(() => {
    if (kind === 'reset') return
    const timer = setTimeout(() => feed.dismiss(), noticeMs)
    return () => clearTimeout(timer)
  }, [feed, kind, text])
  return (
    <div class={`connection-line ${kind === 'reset' ? 'is-warning' : 'is-good'}`}>
      <p role="status">{text}.</p>
      <button type="button" onClick={() => feed.dismiss()}>
        Dismiss
      </button>
    </div>
  )
}

export const ConnectionState = ({ feed }: { feed: Feed }) => {
  const state = useFeed(feed, (one) => one.state())
  return <span class={`connection-state is-${state.kind}`}>{words[state.kind]}</span>
}

export const ConnectionLine = ({ feed }: { feed: Feed }) => {
  const state = useFeed(feed, (one) => one.state())
  const notice = useFeed(feed, (one) => one.notice())
  if (state.kind === 'waiting') return <Waiting state={state} feed={feed} />
  return notice === null ? null : <Notice feed={feed} kind={notice.kind} text={notice.text} />
}
