// The docs page. The renderer draws the HTTP side from /openapi.json; the Kafka side is written here from the AsyncAPI document.

import { pages } from '../../handbook/pages.ts'

type Json = Record<string, unknown>
type Schema = {
  type?: string | string[]
  format?: string
  description?: string
  const?: unknown
  enum?: unknown[]
  anyOf?: Schema[]
  oneOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
}
type Field = { name: string; type: string; required: boolean; description: string }

export const pageScript = `window.SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#openapi',
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  docExpansion: 'list',
})
`

export const pageStyles = `html { scroll-padding-top: 3.5rem }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff }
body > header { display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; align-items: baseline; padding: .6rem 1.5rem; background: #1b1f24; color: #fff; position: sticky; top: 0; z-index: 2 }
body > header a { color: #9ecbff; text-decoration: none }
#handbook { max-width: 1460px; margin: 0 auto; padding: 1rem 20px 0 }
#handbook ul { list-style: none; margin: .5rem 0 0; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: .7rem 1.5rem }
#handbook a { color: #0a58ca; font-weight: 600; text-decoration: none }
#handbook span { display: block; color: #555 }
#kafka { max-width: 1460px; margin: 0 auto; padding: 0 20px 4rem }
#kafka h2 { font-size: 28px; border-top: 1px solid #ccc; padding-top: 2rem }
#kafka h3 code { font-size: 20px }
#kafka article { border: 1px solid #ccd; border-radius: 4px; margin: 1rem 0; padding: .4rem 1rem 1rem }
#kafka table { border-collapse: collapse; width: 100% }
#kafka td, #kafka th { text-align: left; vertical-align: top; padding: .25rem .6rem; border-bottom: 1px solid #eee }
#kafka pre { background: #f6f8fa; padding: .8rem; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere }
#kafka td code, #kafka p code, #kafka pre { font: 13px/1.5 ui-monospace, monospace }
`

const escapeHtml = (text: unknown): string => String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
const code = (text: unknown): string => `<code>${escapeHtml(text)}</code>`
/** Turns backticks and double stars into HTML as Markdown does. */
const markup = (text: unknown): string =>
  escapeHtml(text ?? '')
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')

const paragraphs = (text: unknown): string => `<p>${markup(text).replaceAll('\n\n', '</p><p>')}</p>`

/** Follows a reference; returns any other value unchanged. */
const resolve = (document: Json, value: unknown): Json => {
  const ref = (value as Json)['$ref']
  if (typeof ref !== 'string') return value as Json
  const target = ref
    .slice(2)
    .split('/')
    .reduce<unknown>((inner, key) => (inner as Json)[key], document)
  return resolve(document, target)
}

const typeText = ({ type, format, enum: values, anyOf, oneOf = anyOf, ...schema }: Schema): string => {
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (values !== undefined) return values.map((value) => JSON.stringify(value)).join(' | ')
  if (type === undefined && oneOf !== undefined) return oneOf.map(typeText).join(' | ')
  return [type ?? 'any', format ?? []].flat().join(', ')
}

const fieldsOf = ({ properties = {}, required = [] }: Schema): Field[] =>
  Object.entries(properties).map(([name, property]) => ({
    name,
    type: typeText(property),
    required: required.includes(name),
    description: property.description ?? '',
  }))

const table = (title: string, schema: Schema): string => {
  const rows = fieldsOf(schema).map(
    ({ name, type, required, description }) =>
      `<tr><td>${code(name)}</td><td>${escapeHtml(type)}</td><td>${required ? 'always' : ''}</td><td>${markup(description)}</td></tr>`,
  )
  const body = rows.length === 0 ? '' : `<table><tbody>${rows.join('')}</tbody></table>`
  return `<h5>${title}</h5><p>${markup(schema.description)}</p>${body}`
}

const example = (value: Json): string => {
  const { headers, payload } = value
  const parts = { ...(headers === undefined ? {} : { headers }), payload }
  return `<pre>${escapeHtml(JSON.stringify(parts, null, 2))}</pre>`
}

const messageHtml = (document: Json, reference: unknown): string => {
  const message = resolve(document, reference)
  const key = ((message['bindings'] as Json)['kafka'] as Json)['key'] as Json
  return [
    `<h4>${escapeHtml(message['title'])}</h4><p>${markup(message['summary'])} Key: ${markup(key['description'])}</p>`,
    table('Headers', resolve(document, message['headers'])),
    table(`Value, ${escapeHtml(message['contentType'])}`, resolve(document, message['payload'])),
    `<details><summary>Examples</summary>${(message['examples'] as Json[]).map(example).join('')}</details>`,
  ].join('')
}

const operationsOn = (document: Json, channel: string): string =>
  Object.values(document['operations'] as Record<string, Json>)
    .filter((operation) => (operation['channel'] as Json)['$ref'] === `#/channels/${channel}`)
    .map((operation) => `<li>${operation['action'] === 'send' ? 'out' : 'in'}: ${markup(operation['summary'])}</li>`)
    .join('')

const channelHtml = (document: Json, name: string, channel: Json): string =>
  `<article><h3>${code(channel['address'])}</h3><p>${markup(channel['description'])}</p><ul>${operationsOn(document, name)}</ul>` +
  `${Object.values(channel['messages'] as Json)
    .map((message) => messageHtml(document, message))
    .join('')}</article>`

const handbookItem = ({ name, title, about }: (typeof pages)[number]): string =>
  `<li><a href="/docs/handbook/${name}">${title}</a><span>${about}</span></li>`

/** The page for this AsyncAPI document. */
export const docsPage = (asyncApi: Json): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>orders</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="stylesheet" href="/docs/page.css">
</head>
<body>
<header><strong>orders</strong><a href="#handbook">Handbook</a><a href="#openapi">HTTP</a><a href="#kafka">Kafka</a>
<a href="/openapi.json">openapi.json</a><a href="/asyncapi.json">asyncapi.json</a>
<a href="/orders.proto">orders.proto</a></header>
<main>
<section id="handbook"><h2>Handbook</h2>
<ul>${pages.map(handbookItem).join('\n')}</ul></section>
<div id="openapi"><noscript>The HTTP side is drawn by a script; /openapi.json has it all.</noscript></div>
<section id="kafka"><h2>Kafka</h2>${paragraphs((asyncApi['info'] as Json)['description'])}
${Object.entries(asyncApi['channels'] as Record<string, Json>)
  .map(([name, channel]) => channelHtml(asyncApi, name, channel))
  .join('\n')}
</section>
</main>
<script src="/docs/swagger-ui-bundle.js" defer></script>
<script src="/docs/page.js" defer></script>
</body>
</html>
`
