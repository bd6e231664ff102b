// The messages of FIX 4.4 that clients send, and their fields. What FIX allows in a message and the service does not do is let pass: the
// application refuses it by name. Groups of underlyings, legs, events and hops are not spoken.

import type { Dictionary, FieldRule, Format, Group, Structure } from './dictionary.ts'

/** `11! 453(448 447)`: tags in order; `!`: required; in brackets the group that a tag counts, first its delimiter. */
const structureOf = (text: string): Structure => {
  const tokens = text.match(/\d+|[!()]/g) ?? []
  let at = 0
  const read = (): Structure => {
    const required: number[] = []
    const members = new Map<number, Group | null>()
    for (let tag = 0; at < tokens.length && tokens[at] !== ')';) {
      const token = tokens[at]!
      at += 1
      if (token === '!') required.push(tag)
      else if (token === '(') {
        const inner = read()
        members.set(tag, { ...inner, first: [...inner.members.keys()][0]! })
        at += 1
      } else {
        tag = Number(token)
        members.set(tag, null)
      }
    }
    return { required, members }
  }
  return read()
}

const parties = '453(448 447 452 802(523 803))'
const instrument = `55 65 48 22 454(455 456) 460 461 167 762 200 541 201 224 225 239 226 227 228 255 543 470 471 472 240
 202 947 206 231 223 207 106 348 349 107 350 351 691 667 875 876 873 874`
const financing = '913 914 915 918 788 916 917 919 898'
const text = '58 354 355'
const quantity = '38 152 516 468 469'
const terms = `${financing} 854 ${quantity} 40! 423 44 99 218 220 221 222 662 663 699 761 235 236 701 696 697 698 376 15 59
 168 432 126 427 12 13 479 497 528 529 582 121 120 775 ${text} 193 192 640 77 203 210 211 835 836 837 838 840 388 389
 841 842 843 844 846 847 848 849 480 481 513 494`
const order = `11! 526 583 ${parties} 229 75 1 660 581 589 590 591 70 78(79 661 736 467 80) 63 64 544 635 21 18 110 111 100
 386(336 625) ${instrument} 54! 114 60! ${terms} 377`

const structures: Readonly<Record<string, string>> = {
  '0': '112',
  '1': '112!',
  '2': '7! 16!',
  '3': `45! 371 372 373 ${text}`,
  '4': '123 36!',
  '5': text,
  A: '98! 108! 95 96 141 789 383 384(372 385) 464 553 554',
  D: `${order} 81 140 117`,
  F: `41! 37 11! 526 583 66 586 1 660 581 ${parties} ${instrument} ${financing} 54! 60! ${quantity} 376 ${text}`,
  G: `37 41! 66 586 ${order}`,
  H: `37 11! 526 583 ${parties} 790 1 660 ${instrument} ${financing} 54!`,
  j: `45 372! 379 380! ${text}`,
  q: `11! 526 530! 336 625 ${instrument} 54 60! ${text}`,
}

const tagsOf: Partial<Record<Format, string>> = {
  LENGTH: '90 93 95 212 348 350 354 383',
  DATA: '89 91 96 213 349 351 355',
  SEQNUM: '7 16 34 36 45 369 789',
  BOOLEAN: '43 97 114 121 123 141 377 464',
  UTCTIMESTAMP: '52 60 122 126 168 586',
  NUMINGROUP: '78 384 386 453 454 802',
  INT: `98 108 201 203 226 371 373 380 423 427 452 460 581 582 660 661 663 698 775 788 803 835 836 837 838 840 841 842 843
 844 846 847 854 875 919`,
  CHAR: '13 21 40 54 59 63 77 81 206 388 447 468 480 481 497 525 528 530 544 589 590 591',
  LOCALMKTDATE: '64 75 193 224 225 229 240 241 432 541 696 701 873 874 915 916 917',
  MULTIPLEVALUESTRING: '18 529',
  MONTHYEAR: '200 667',
  FLOAT: '12 38 44 80 99 110 111 140 152 192 202 210 211 218 223 227 228 231 235 236 389 469 516 640 662 697 849 898',
}

/** Values of fields that have few, by tag. What EncryptMethod has to be is a matter of the logon. */
const valuesOf: Readonly<Record<number, string>> = {
  21: '123',
  18: '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZa',
  40: '123456789DEGIJKLMP',
  54: '123456789ABCDEFG',
  59: '01234567',
  63: '0123456789',
  98: '0123456',
  528: 'AGIPRW',
  530: '1234567',
}

/** The highest tag that FIX 4.4 defines. */
const tagMax = 956

const rules = (): Map<number, FieldRule> => {
  const fields = new Map<number, FieldRule>()
  for (let tag = 1; tag <= tagMax; tag += 1) fields.set(tag, { format: 'STRING' })
  for (const [format, tags] of Object.entries(tagsOf))
    for (const tag of tags.split(/\s+/)) fields.set(Number(tag), { format: format as Format })
  for (const [tag, values] of Object.entries(valuesOf)) {
    const { format } = fields.get(Number(tag))!
    fields.set(Number(tag), { format, values: new Set(values.split('')) })
  }
  return fields
}

/** MsgTypes of one character that FIX 4.4 does not have: I, O, U; those of two go from AA to BH. */
const types = (): Set<string> => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
  const single = `0123456789${letters}${letters.toLowerCase()}`.replaceAll(/[IOU]/g, '')
  return new Set([
    ...single.split(''),
    ...letters.split('').map((letter) => `A${letter}`),
    ...'ABCDEFGH'.split('').map((last) => `B${last}`),
  ])
}

export const dictionary: Dictionary = {
  fields: rules(),
  header: structureOf('49! 56! 115 128 90 91 34! 50 142 57 143 116 144 129 145 43 97 52! 122 212 213 347 369'),
  trailer: new Set([93, 89]),
  messages: new Map(Object.entries(structures).map(([type, fields]) => [type, structureOf(fields)])),
  types: types(),
}
