// Settings of the FIX door: its port, its sessions, who may connect, and its certificate.

import { int, path, text } from './readers.ts'
import type { Setting, ValuesOf } from './setting.ts'
import { fixTlsSettings } from './transport.ts'

export const fixSettings = {
  FIX_PORT: { read: int(0, 0, 65_535), note: 'The port for FIX 4.4. `0`: there is none, and nothing of it runs.' },
  FIX_HOST: {
    read: text('0.0.0.0', /^[A-Za-z0-9.:_-]+$/, 'must be an address or a host name'),
    note: 'The address of `FIX_PORT`.',
  },
  FIX_SESSIONS_FILE: {
    read: path,
    note: 'The [sessions](fix.md#the-file-of-sessions), required with `FIX_PORT`. Read again when it changes.',
  },
  ...fixTlsSettings,
  FIX_CONNECTIONS_MAX: {
    read: int(1_200, 1, 100_000),
    note: 'How many connections there may be, those before their logon among them. One more is closed at once.',
  },
  FIX_CONNECTIONS_PER_ADDRESS_MAX: {
    read: int(100, 1, 100_000),
    note: 'How many of them may come from one address.',
  },
  FIX_UNSENT_MAX_BYTES: {
    read: int(8_388_608, 1_048_576, 268_435_456),
    note: 'What a client may leave unread. Beyond it, or if it reads nothing for 30 s, it is disconnected; what it missed is sent again when it asks.',
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>

/** What does not go together. */
export const fixFaults = ({ FIX_PORT, FIX_SESSIONS_FILE }: ValuesOf<typeof fixSettings>): string[] =>
  FIX_PORT !== 0 && FIX_SESSIONS_FILE === '' ? ['FIX_SESSIONS_FILE is required with FIX_PORT'] : []
