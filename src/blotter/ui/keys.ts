// Keys of the whole page. A key that is typed into a field is text, and one with a modifier is the browser's.

import { useLayoutEffect } from 'preact/hooks'

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (/^(?:INPUT|SELECT|TEXTAREA)$/.test(target.tagName) || target.isContentEditable)

/**
 * Listens from the moment that the component is on the page: an effect that waits for the next frame would miss a quick hand.
 * `Escape` counts in fields too.
 */
export const useKey = (key: string, handle: () => void): void => {
  useLayoutEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (event.key !== key || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
      if (key !== 'Escape' && (isTyping(event.target) || document.querySelector('dialog[open]') !== null)) return
      event.preventDefault()
      handle()
    }
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [key, handle])
}
