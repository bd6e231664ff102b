// Renders Markdown as HTML with the runtime's own renderer, and adds what that lacks: the anchors that a git host gives to headings, links
// between the pages as they are served, and tables that scroll on a narrow screen.

import { pageNamed } from '../../handbook/pages.ts'

/** An entry of a page's table of contents; `html` is the heading's text with its markup. */
export type Heading = { level: number; anchor: string; html: string }
export type RenderedPage = { html: string; headings: readonly Heading[] }

/** The name that a git host gives to a heading: lower case, no punctuation, a dash for each space. Takes HTML. */
const slugOf = (html: string): string =>
  html
    .replace(/<[^>]*>|&(?:amp|lt|gt|quot|#39);/g, '')
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-')

/** Gives each heading its anchor. If an anchor occurs again, it gets a number. */
const withAnchors = (html: string): RenderedPage => {
  const headings: Heading[] = []
  const counts = new Map<string, number>()
  const anchored = html.replace(/<h([1-6])>(.*?)<\/h\1>/gs, (_, level: string, inner: string) => {
    const slug = slugOf(inner)
    const count = counts.get(slug) ?? 0
    counts.set(slug, count + 1)
    const anchor = count === 0 ? slug : `${slug}-${count}`
    headings.push({ level: Number(level), anchor, html: inner })
    return `<h${level} id="${anchor}">${inner} <a class="anchor" href="#${anchor}" aria-label="Link to this section">#</a></h${level}>`
  })
  return { html: anchored, headings }
}

/**
 * The target of a link in the served pages: `runbook#x` for `runbook.md#x`. Files outside the handbook are not served.
 * @returns null if the target is not served
 */
const servedTarget = (target: string): string | null => {
  if (/^(?:#|https?:\/\/)/.test(target)) return target
  const [, name, anchor] = /^([a-z]+)\.md(#.*)?$/.exec(target) ?? []
  return name !== undefined && pageNamed(name) !== undefined ? `${name}${anchor ?? ''}` : null
}

const withServedLinks = (html: string): string =>
  html.replace(/<a href="([^"]*)"([^>]*)>(.*?)<\/a>/gs, (_, target: string, rest: string, inner: string) => {
    const href = servedTarget(target)
    return href === null ? inner : `<a href="${href}"${rest}>${inner}</a>`
  })

/** Each has a name of its own, because somebody who cannot see the page picks one from the list of its regions. */
const withScrollingBlocks = (html: string): string => {
  let tables = 0
  return (
    html
      .replaceAll(
        '<table>',
        () => `<div class="table" tabindex="0" role="region" aria-label="Table ${++tables}"><table>`,
      )
      .replaceAll('</table>', '</table></div>')
      // A column without a name is none to a reader of the screen.
      .replaceAll('<th></th>', '<td></td>')
      // A block that is wider than the window is scrolled by keyboard, too.
      .replaceAll('<pre>', '<pre tabindex="0">')
  )
}

/** The page's body, and its headings in their order. `markdown` is a page of the handbook: its HTML is trusted. */
export const renderMarkdown = (markdown: string): RenderedPage =>
  withAnchors(withScrollingBlocks(withServedLinks(Bun.markdown.html(markdown))))
