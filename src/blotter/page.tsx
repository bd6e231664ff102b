// The page's script: makes what the panels share, and draws the shell into the document.

import { render } from 'preact'
import './styles/tokens.css'
import './styles/base.css'
import { createService } from './service/service.ts'
import { Shell } from './shell.tsx'

const service = createService((path, init) => fetch(path, init))
render(<Shell service={service} />, document.getElementById('page')!)
