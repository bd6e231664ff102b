// The dictionary of QuickFIX's acceptance server, read from the file in its source package: the suite judges the session by it.

import {
  formats,
  type Dictionary,
  type FieldRule,
  type Format,
  type Group,
  type Structure,
} from '../../../src/fix/protocol/dictionary.ts'

type Node = { name: string; attributes: Record<string, string>; children: Node[] }

/** Elements with attributes and nothing else: all that the file has. */
const parse = (xml: string): Node => {
  const root: Node = { name: '', attributes: {}, children: [] }
  const open = [root]
  for (const [, end, name, rest, alone] of xml.matchAll(
    /<(\/?)([a-z]+)((?:\s+\w+\s*=\s*(?:'[^']*'|"[^"]*"))*)\s*(\/?)>/g,
  )) {
    if (end === '/') {
      open.pop()
      continue
    }
    const attributes = Object.fromEntries(
      [...rest!.matchAll(/(\w+)\s*=\s*(?:'([^']*)'|"([^"]*)")/g)].map(([, key, single, double]) => [
        key,
        single ?? double,
      ]),
    )
    const node = { name: name!, attributes, children: [] }
    open.at(-1)!.children.push(node)
    if (alone !== '/') open.push(node)
  }
  return root.children[0]!
}

const formatOf = (type: string): Format => {
  if (type in formats) return type as Format
  return ['QTY', 'PRICE', 'AMT', 'PERCENTAGE', 'PRICEOFFSET'].includes(type) ? 'FLOAT' : 'STRING'
}

/** `spoken`: the application messages of the server; every other type is unsupported. */
export const suiteDictionary = (xml: string, spoken: readonly string[]): Dictionary => {
  const root = parse(xml)
  const part = (name: string) => root.children.find((child) => child.name === name)!
  const numbers = new Map(
    part('fields').children.map((field) => [field.attributes['name'], Number(field.attributes['number'])]),
  )
  const components = new Map(part('components').children.map((node) => [node.attributes['name'], node]))
  const structureOf = (node: Node): Structure => {
    const required: number[] = []
    const members = new Map<number, Group | null>()
    for (const child of node.children) {
      const isRequired = child.attributes['required'] === 'Y'
      if (child.name === 'component') {
        const inner = structureOf(components.get(child.attributes['name'])!)
        if (isRequired) required.push(...inner.required)
        for (const [tag, group] of inner.members) members.set(tag, group)
        continue
      }
      const tag = numbers.get(child.attributes['name'])!
      if (isRequired) required.push(tag)
      const inner = child.name === 'group' ? structureOf(child) : null
      members.set(tag, inner === null ? null : { ...inner, first: [...inner.members.keys()][0]! })
    }
    return { required, members }
  }
  const fields = new Map<number, FieldRule>()
  for (const { attributes, children } of part('fields').children) {
    const values = new Set(children.map((value) => value.attributes['enum']!))
    const format = formatOf(attributes['type']!)
    fields.set(
      Number(attributes['number']),
      values.size > 0 && format !== 'NUMINGROUP' ? { format, values } : { format },
    )
  }
  const header = structureOf(part('header'))
  const read = new Set([8, 9, 35])
  const messages = part('messages').children
  return {
    fields,
    header: { ...header, required: header.required.filter((tag) => !read.has(tag)) },
    trailer: new Set(structureOf(part('trailer')).members.keys()),
    messages: new Map(
      messages
        .filter(({ attributes }) => attributes['msgcat'] === 'admin' || spoken.includes(attributes['msgtype']!))
        .map((node) => [node.attributes['msgtype']!, structureOf(node)]),
    ),
    types: new Set(messages.map(({ attributes }) => attributes['msgtype']!)),
  }
}
