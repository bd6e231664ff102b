// The texts of the handbook's pages, embedded in the binary as Markdown.

import api from './api.md' with { type: 'text' }
import changelog from './changelog.md' with { type: 'text' }
import configuration from './configuration.md' with { type: 'text' }
import fix from './fix.md' with { type: 'text' }
import grpc from './grpc.md' with { type: 'text' }
import java from './java.md' with { type: 'text' }
import metrics from './metrics.md' with { type: 'text' }
import neighbours from './neighbours.md' with { type: 'text' }
import operating from './operating.md' with { type: 'text' }
import type { PageName } from './pages.ts'
import performance from './performance.md' with { type: 'text' }
import restore from './restore.md' with { type: 'text' }
import runbook from './runbook.md' with { type: 'text' }
import security from './security.md' with { type: 'text' }
import takeover from './takeover.md' with { type: 'text' }
import tool from './tool.md' with { type: 'text' }
import topics from './topics.md' with { type: 'text' }

export const pageTexts: Readonly<Record<PageName, string>> = {
  api,
  changelog,
  configuration,
  grpc,
  fix,
  java,
  metrics,
  neighbours,
  operating,
  performance,
  restore,
  runbook,
  security,
  takeover,
  tool,
  topics,
}
