// Writes a page of the handbook as HTML: readable on a phone, in dark mode, and without scripts.

import { pages, type PageName } from '../../handbook/pages.ts'
import { renderMarkdown, type Heading } from './render.ts'

const pageLink =
  (current: PageName) =>
  ({ name, title }: (typeof pages)[number]): string =>
    `<li><a href="${name}"${name === current ? ' aria-current="page"' : ''}>${title}</a></li>`

const contents = (headings: readonly Heading[]): string => {
  const sections = headings.filter(({ level }) => level === 2)
  if (sections.length < 3) return ''
  // A link in a heading must not be inside the link to it.
  const items = sections.map(
    ({ anchor, html }) => `<li><a href="#${anchor}">${html.replace(/<\/?a\b[^>]*>/g, '')}</a></li>`,
  )
  return `<details class="contents"><summary>On this page</summary><ul>${items.join('')}</ul></details>`
}

/** Puts the table of contents after the title. */
const withContents = (html: string, headings: readonly Heading[]): string => {
  const end = html.indexOf('</h1>') + '</h1>'.length
  return `${html.slice(0, end)}\n${contents(headings)}${html.slice(end)}`
}

/** The whole HTML document. */
export const handbookPage = (name: PageName, markdown: string): string => {
  const { html, headings } = renderMarkdown(markdown)
  const { title } = pages.find((page) => page.name === name)!
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · orders</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/handbook.css">
</head>
<body>
<header><a href="/docs">orders</a></header>
<nav aria-label="Handbook"><ul>
${pages.map(pageLink(name)).join('\n')}
</ul></nav>
<main>
${withContents(html, headings)}
</main>
</body>
</html>
`
}
