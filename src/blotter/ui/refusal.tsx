// A refusal of the service in its own words.

import type { Problem } from '../service/service.ts'
import './refusal.css'

export const Refusal = ({ problem: { title, detail, code } }: { problem: Problem }) => (
  <div class="refusal" role="alert">
    <strong>{title}</strong>
    {detail === '' ? null : <span>{detail}</span>}
    <code>{code}</code>
  </div>
)
