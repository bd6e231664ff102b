// Proves: what breaks a client of gRPC is found in the proto file, made to the real one, and what does not is let through.

import { describe, expect, test } from 'bun:test'
import { compareProto } from './compareProto.ts'
import { ordersProto } from './documents.ts'
import { textOf } from './released.ts'

const changesOf = (from: string | RegExp, to: string): string[] => {
  const edited = ordersProto.replace(from, to)
  expect(edited).not.toBe(ordersProto)
  return compareProto(ordersProto, edited).map(textOf)
}

test('nothing changed', () => {
  expect(compareProto(ordersProto, ordersProto)).toEqual([])
})

describe('a break is', () => {
  test.each<[string, string | RegExp, string, string]>([
    [
      'a field that is gone',
      '  optional string price = 8;\n',
      '',
      'breaking: orders.v1.PlaceRequest.price: the field is gone',
    ],
    [
      'a field with another number',
      'quantity = 7;',
      'quantity = 27;',
      'breaking: orders.v1.PlaceRequest.quantity: its number was 7 and is 27',
    ],
    [
      'a field of another type',
      'bool post_only = 11',
      'string post_only = 11',
      'breaking: orders.v1.PlaceRequest.post_only: its type was bool and is string',
    ],
    [
      'a field with another name',
      'string ticker = 3',
      'string symbol = 3',
      'breaking: orders.v1.PlaceRequest.symbol: its number was that of ticker',
    ],
    [
      'one that became a list',
      'optional string side = 3',
      'repeated string side = 3',
      'breaking: orders.v1.ListRequest.side: its presence was optional and is repeated',
    ],
    [
      'one that cannot be left out any more',
      'optional string user_id = 1',
      'string user_id = 1',
      'breaking: orders.v1.PlaceRequest.user_id: its presence was optional and is always',
    ],
    [
      'one that left its group',
      /oneof outcome \{\s+Order order = 1;\s+Refusal refusal = 2;\s+\}/,
      'Order order = 1; Refusal refusal = 2;',
      'breaking: orders.v1.PlaceResult.order: its group was outcome and is none',
    ],
    [
      'a method that is gone',
      '  rpc Cancel(CancelRequest) returns (Order);\n',
      '',
      'breaking: orders.v1.Orders/Cancel: the method is gone',
    ],
    [
      'a method with another answer',
      'rpc Get(GetRequest) returns (Order)',
      'rpc Get(GetRequest) returns (PlaceResponse)',
      'breaking: orders.v1.Orders/Get: it was GetRequest → Order and is GetRequest → PlaceResponse',
    ],
    [
      'a method that streams',
      'returns (ListResponse)',
      'returns (stream ListResponse)',
      'breaking: orders.v1.Orders/List: it was ListRequest → ListResponse and is ListRequest → stream ListResponse',
    ],
    ['another package', 'package orders.v1;', 'package orders.v2;', 'breaking: orders.v1.Orders: the service is gone'],
  ])('%s', (_, from, to, change) => {
    expect(changesOf(from, to)).toContain(change)
  })
})

test('a new kind of message in a group is for a person to decide', () => {
  expect(changesOf('    Lagging lagging = 7;\n', '    Lagging lagging = 7;\n    Live again = 8;\n')).toEqual([
    'decide: orders.v1.WatchResponse.again: a client may find none of what that it knows',
  ])
})

describe('harmless is', () => {
  test.each<[string, string, string]>([
    [
      'a field that a request newly has',
      'optional string expires_at = 12;',
      'optional string expires_at = 12;\n  optional string venue = 13;',
    ],
    ['a field that an answer newly has', '  int32 version = 23;', '  int32 version = 23;\n  string venue = 24;'],
    [
      'a method',
      'rpc Get(GetRequest) returns (Order);',
      'rpc Get(GetRequest) returns (Order);\n  rpc Void(GetRequest) returns (Order);',
    ],
    ['a message', 'message Live {}', 'message Live {}\nmessage Late {}'],
    ['another comment', '// BUY, SELL', '// SELL, BUY'],
  ])('%s', (_, from, to) => {
    expect(changesOf(from, to)).toEqual([])
  })
})

test('an enumeration is refused: words are open lists of strings', () => {
  expect(() => changesOf('message Live {}', 'message Live {}\nenum Side { NONE = 0; }')).toThrow(
    'write words as strings',
  )
})
