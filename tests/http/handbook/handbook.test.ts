// Proves: the handbook is served page by page, as HTML that needs no script and nothing from elsewhere, or as its source; links
// between the pages and to their headings work there as they do on a git host.

import { describe, expect, test } from 'bun:test'
import { Glob } from 'bun'
import { inRepo } from '../../../src/build/repository.ts'
import { pageNames, pages } from '../../../src/handbook/pages.ts'
import { pageTexts } from '../../../src/handbook/texts.ts'
import { renderMarkdown } from '../../../src/http/handbook/render.ts'
import { createApp } from '../../../src/http/server.ts'
import { anchorsOf } from '../../support/markdown.ts'
import { callerOf, serverOptions } from '../harness.ts'

const call = callerOf(createApp(serverOptions()))
const page = (name: string, accept = 'text/html,*/*;q=0.8') =>
  call('GET', `/docs/handbook/${name}`, { headers: { accept } })

test('the list names every file of the handbook, each with its heading', () => {
  const files = [...new Glob('*.md').scanSync(inRepo('src', 'handbook'))].map((file) => file.replace(/\.md$/, ''))
  expect<string[]>(pageNames.toSorted()).toEqual(files.toSorted())
  for (const { name, title, about } of pages) {
    expect(pageTexts[name]).toStartWith(`# ${title}\n`)
    expect(about.length).toBeLessThan(64)
  }
})

describe.each(pageNames)('%s', (name) => {
  test('is a page under the policy of /docs, with nothing inline', async () => {
    const { status, headers, text } = await page(name)
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(headers.get('content-security-policy')).toBe(
      (await call('GET', '/docs')).headers.get('content-security-policy'),
    )
    expect(text).not.toMatch(/<script|<style|\son\w+=| style=/)
    const loaded = [...text.matchAll(/(?:src=|<link [^>]*href=)"([^"]+)"/g)].map(([, address]) => address!)
    expect(loaded).toEqual(['data:,', '/docs/handbook.css'])
    expect(text).toContain(`<a href="${name}" aria-current="page">`)
  })

  test('has the anchors of a git host, and every link leads to a page and a heading', async () => {
    const { text } = await page(name)
    expect([...text.matchAll(/<h\d id="([^"]*)"/g)].map(([, id]) => id!)).toEqual(anchorsOf(pageTexts[name]))
    const links = [...text.matchAll(/<a (?:class="anchor" )?href="([^"]+)"/g)].map(([, target]) => target!)
    const local = links.filter((target) => !/^https?:|^\/docs$/.test(target))
    expect(local.length).toBeGreaterThan(pages.length - 1)
    for (const target of local) {
      const [other, anchor] = target.split('#') as [string, string?]
      const answer = await page(other === '' ? name : other)
      expect([target, answer.status]).toEqual([target, 200])
      if (anchor !== undefined) expect(answer.text).toContain(` id="${anchor}"`)
    }
  })

  test('is its source for whoever prefers Markdown', async () => {
    const { headers, text } = await page(name, 'text/markdown, text/html;q=0.9, */*;q=0.1')
    expect(headers.get('content-type')).toBe('text/markdown; charset=utf-8')
    expect(text).toBe(pageTexts[name])
  })
})

test.each([
  ['text/markdown', 'markdown'],
  ['text/html, text/markdown', 'markdown'],
  ['Text/Markdown;charset=utf-8', 'markdown'],
  ['text/markdown;q=0.5, text/html', 'html'],
  ['text/markdown;q=0', 'html'],
  ['text/*', 'html'],
  ['*/*', 'html'],
  ['', 'html'],
])('Accept: %j is answered with %s', async (accept, kind) => {
  expect((await page('api', accept)).headers.get('content-type')).toBe(`text/${kind}; charset=utf-8`)
})

test.each(['nothing', 'runbook.md', 'RUNBOOK', '__proto__'])('there is no page %s', async (name) => {
  expect((await page(name)).status).toBe(404)
})

test('/docs leads to every page', async () => {
  const { text } = await call('GET', '/docs')
  for (const { name, title } of pages) expect(text).toContain(`<a href="/docs/handbook/${name}">${title}</a>`)
})

describe('rendering', () => {
  const html = (markdown: string): string => renderMarkdown(markdown).html

  test('links to another page and a heading stay in the handbook, those to files outside become text', () => {
    expect(html('[a](runbook.md#x) [b](api.md) [c](#y)')).toContain(
      '<a href="runbook#x">a</a> <a href="api">b</a> <a href="#y">c</a>',
    )
    expect(html('[a](https://example.org/x.md)')).toContain('<a href="https://example.org/x.md">a</a>')
    expect(html('[the `code`](../README.md) and [b](none.md)')).toBe('<p>the <code>code</code> and b</p>\n')
    expect(html('[a](javascript:alert)')).toBe('<p>a</p>\n')
  })

  test('headings have the anchors of a git host, also where they repeat or have marks', () => {
    const markdown = '# The `a.b` call & "co"\n\n## POST /orders/{id}\n## A + B_c\n## A + B_c\n### [x](api.md) é\n'
    const { html, headings } = renderMarkdown(markdown)
    const anchors = ['the-ab-call--co', 'post-ordersid', 'a--b_c', 'a--b_c-1', 'x-é']
    expect([...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id!)).toEqual(anchors)
    expect(headings.map(({ anchor }) => anchor)).toEqual(anchors)
    expect(anchorsOf(markdown)).toEqual(anchors)
  })

  test('a table scrolls by itself; code keeps its signs', () => {
    expect(html('| a |\n| - |\n| `x\\|y` |')).toMatch(/^<div class="table"[^>]*><table>[\s\S]*<code>x\|y<\/code>/)
    expect(html('```sh\ncat <in> && x # no heading\n```')).toContain('cat &lt;in&gt; &amp;&amp; x # no heading')
  })
})
