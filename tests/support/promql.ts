// What a PromQL expression asks for, by Prometheus' own grammar.

import { parser } from '@prometheus-io/lezer-promql'

type Node = ReturnType<ReturnType<(typeof parser)['parse']>['cursor']>['node']

/** `matchers`: the conditions of a selector. `grouped`: the labels that the aggregations around it keep. */
export type Selected = { metric: string; matchers: { label: string; op: string; value: string }[]; grouped: string[] }

const childrenOf = (node: Node): Node[] => {
  const children: Node[] = []
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child)
  return children
}

/** Puts a value in place of Grafana's variable, which is no PromQL. */
const fillIn = (expression: string): string => expression.replaceAll('$__rate_interval', '5m')

/** Throws if the expression is no PromQL. */
export const selectionsOf = (expression: string): Selected[] => {
  const text = fillIn(expression)
  const textOf = (node: Node): string => text.slice(node.from, node.to)
  const matcherOf = (node: Node) => {
    const [label, op, value] = childrenOf(node).map(textOf)
    return { label: label!, op: op!, value: value!.slice(1, -1) }
  }
  const walk = (node: Node, grouped: readonly string[]): Selected[] => {
    if (node.type.isError) throw new Error(`no PromQL at ${node.from}: ${text}`)
    const children = childrenOf(node)
    if (node.name === 'VectorSelector') {
      const named = children.find(({ name }) => name === 'Identifier')
      const matchers = children.flatMap((child) => (child.name === 'LabelMatchers' ? childrenOf(child) : []))
      const broken = [...children, ...matchers].some(({ type }) => type.isError)
      if (named === undefined || broken) throw new Error(`no PromQL: ${textOf(node)}`)
      return [{ metric: textOf(named), matchers: matchers.map(matcherOf), grouped: [...grouped] }]
    }
    const modifiers = node.name === 'AggregateExpr' ? children.filter(({ name }) => name === 'AggregateModifier') : []
    const labels = modifiers.flatMap((modifier) =>
      childrenOf(modifier).flatMap((child) => (child.name === 'GroupingLabels' ? childrenOf(child).map(textOf) : [])),
    )
    return children.flatMap((child) => walk(child, [...grouped, ...labels]))
  }
  return walk(parser.parse(text).topNode, [])
}
