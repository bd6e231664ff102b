// The addresses from which a session may connect.

import { BlockList, isIP } from 'node:net'

const networksMax = 100
const bits = { 4: 32, 6: 128 } as const
const families = { 4: 'ipv4', 6: 'ipv6' } as const

const familyOf = (address: string): 4 | 6 | null => {
  const version = isIP(address)
  return version === 4 || version === 6 ? version : null
}

/** Adds an address, or a network such as `10.1.0.0/16`. False: the text is neither. */
const add = (list: BlockList, text: unknown): boolean => {
  if (typeof text !== 'string') return false
  const [address = '', prefix, ...rest] = text.split('/')
  const family = familyOf(address)
  if (family === null || rest.length > 0 || address.includes('%')) return false
  if (prefix !== undefined && (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bits[family])) return false
  list.addSubnet(address, prefix === undefined ? bits[family] : Number(prefix), families[family])
  return true
}

/** A list of addresses and networks, at least one. */
export const parseNetworks = (value: unknown): BlockList | 'faulty' => {
  if (!Array.isArray(value) || value.length === 0 || value.length > networksMax) return 'faulty'
  const list = new BlockList()
  return value.every((text) => add(list, text)) ? list : 'faulty'
}

/** Whether this address of a peer is in one of the networks. IPv4 over an IPv6 socket (`::ffff:10.1.0.1`) is the IPv4 that it is. */
export const isIn = (list: BlockList, peer: string): boolean => {
  const family = familyOf(peer)
  return family !== null && list.check(peer, families[family])
}
