// Serves the handbook: HTML by default, Markdown for a client that asks for it. A page is rendered at its first request and cached.

import { pageNamed, type PageName } from '../../handbook/pages.ts'
import { pageTexts } from '../../handbook/texts.ts'
import { weightOf } from '../exchange/accept.ts'
import type { Handler } from '../exchange/exchange.ts'
import { problem } from '../exchange/problem.ts'
import { handbookPage } from './page.ts'
import { pageHeaders } from './pageHeaders.ts'

/** Whether an Accept header names Markdown and gives it at least the weight of HTML. */
const prefersMarkdown = (accept: string): boolean => {
  const weight = weightOf(accept, 'text/markdown')
  return weight > 0 && weight >= weightOf(accept, 'text/html')
}

const htmlPages = new Map<PageName, string>()

const htmlOf = (name: PageName): string => {
  const html = htmlPages.get(name) ?? handbookPage(name, pageTexts[name])
  htmlPages.set(name, html)
  return html
}

export const handbookHandlers = {
  handbookPage: ({ request, params }) => {
    const page = pageNamed(params['page']!)
    if (page === undefined) return problem('NOT_FOUND', 'the handbook has no such page')
    if (!prefersMarkdown(request.headers.get('accept') ?? ''))
      return new Response(htmlOf(page.name), { headers: pageHeaders })
    return new Response(pageTexts[page.name], { headers: { 'content-type': 'text/markdown; charset=utf-8' } })
  },
} satisfies Record<string, Handler>
