// Draws a component again when something of the feed changed that it shows.

import { useEffect, useState } from 'preact/hooks'
import type { Feed } from '../feed/feed.ts'

/** What `read` returns of the feed now. Compared by identity at most once a frame, so return parts that the feed itself keeps. */
export const useFeed = <T>(feed: Feed, read: (feed: Feed) => T): T => {
  const [value, setValue] = useState(() => read(feed))
  useEffect(() => {
    let frame = 0
    const draw = (): void => {
      frame = 0
      setValue(() => read(feed))
    }
    draw()
    const stop = feed.onChange(() => (frame ||= requestAnimationFrame(draw)))
    return () => {
      cancelAnimationFrame(frame)
      stop()
    }
  }, [feed])
  return value
}
